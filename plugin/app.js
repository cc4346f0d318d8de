// Brings an open dataset up to date after Python has changed it: new fields appear, and the filters, the view and the
// fields that the user looked at stay. FiftyOne's own "reload_dataset" drops the sidebar's filters. No decision is made
// here: Python says which fields to show and in which colours.
(function () {
  const fos = window.__fos__;
  const foo = window.__foo__;
  const recoil = window.recoil;
  const PATIENCE = 5000; // milliseconds until the new schema must be there
  const LOOK = 100;
  const BEFORE = "fiftyone-avs-before";
  const STEADY = 10; // so many looks in a row

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  // What the sidebar shows, and how to set it: a page that changes drops filters at some moment of its own.
  function useSidebar() {
    const look = recoil.useRecoilCallback(({ snapshot }) => async () => {
      const schemas = await Promise.all(
        ["SAMPLE", "FRAME"].map((space) => snapshot.getPromise(fos.fieldSchema({ space })))
      );
      return {
        filters: await snapshot.getPromise(fos.filters),
        active: await snapshot.getPromise(fos.activeFields({ modal: false })),
        known: schemas.flatMap((schema, index) =>
          Object.keys(schema || {}).map((name) => (index ? `frames.${name}` : name))
        ),
      };
    });
    const put = recoil.useRecoilCallback(({ set }) => (filters, active) => {
      if (filters) set(fos.filters, filters);
      if (active) set(fos.activeFields({ modal: false }), active);
    });
    return { look, put };
  }

  // Sets filters and active fields again for as long as the page that changes may still drop them. What the user sets
  // meanwhile stays: filters are put only where there are none, and fields only at first.
  async function settle({ look, put }, filters, active) {
    const none = (one) => Object.keys(one).length === 0;
    const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    for (let waited = 0, steady = 0; waited < PATIENCE && steady < STEADY; waited += LOOK) {
      const now = await look();
      const dropped = none(now.filters) && !none(filters);
      const hidden = Boolean(active) && waited < STEADY * LOOK && !same(now.active, active);
      if (dropped || hidden) put(dropped ? filters : null, hidden ? active : null);
      steady = dropped || hidden ? 0 : steady + 1;
      await wait(LOOK);
    }
  }

  class BringUpToDate extends foo.Operator {
    get config() {
      return new foo.OperatorConfig({ name: "bring_up_to_date", label: "AVS: bring up to date", unlisted: true });
    }

    useHooks() {
      return { refresh: fos.useRefresh(), setColours: fos.useSetSessionColorScheme(), sidebar: useSidebar() };
    }

    async execute({ params, hooks }) {
      const { fields = [], instead_of: gone = [], colours = [] } = params;
      const { look } = hooks.sidebar;
      const before = await look();
      hooks.refresh();
      let known = before.known;
      for (let waited = 0; waited < PATIENCE; waited += LOOK) {
        await wait(LOOK);
        known = (await look()).known;
        if (waited >= 4 * LOOK && fields.every((path) => known.includes(path))) break;
      }
      const kept = before.active.filter((path) => !gone.includes(path) && !fields.includes(path));
      const there = (path) => known.includes(path.replace(/^(frames\.[^.]*|[^.]*).*/, "$1")) || path.startsWith("_");
      await settle(hooks.sidebar, before.filters, [...fields, ...kept].filter(there));
      if (colours.length) {
        hooks.setColours((scheme) => {
          const own = scheme.fields || [];
          const named = own.map((one) => one.path);
          return { ...scheme, fields: [...own, ...colours.filter((one) => !named.includes(one.path))] };
        });
      }
    }
  }

  // Shows a view, keeping the view and the filters that were there before; or, with "back", those again. FiftyOne's own
  // "set_view" drops the filters, and panels are not told of them.
  class GoToView extends foo.Operator {
    get config() {
      return new foo.OperatorConfig({ name: "go_to_view", label: "AVS: go to a view", unlisted: true });
    }

    useHooks() {
      const where = recoil.useRecoilCallback(({ snapshot }) => async () => ({
        dataset: await snapshot.getPromise(fos.datasetName),
        view: await snapshot.getPromise(fos.view),
        filters: await snapshot.getPromise(fos.filters),
      }));
      return { where, setView: fos.useSetView(), sidebar: useSidebar() };
    }

    async execute({ params, hooks }) {
      const stages = (view) => JSON.stringify((view || []).map((stage) => [stage._cls, stage.kwargs]));
      const now = await hooks.where();
      const kept = JSON.parse(sessionStorage.getItem(BEFORE) || "null");
      const before = kept && kept.dataset === now.dataset ? kept : null;
      if (params.back) {
        sessionStorage.removeItem(BEFORE);
        hooks.setView(before ? before.view : []);
        await wait(4 * LOOK);
        await settle(hooks.sidebar, before ? before.filters : {}, null);
        return;
      }
      const fromHere = !before || stages(now.view) !== before.last || Object.keys(now.filters).length > 0;
      sessionStorage.setItem(BEFORE, JSON.stringify({ ...(fromHere ? now : before), last: stages(params.view) }));
      hooks.setView(params.view.map((stage) => ({ ...stage, _uuid: `avs-${Math.random()}` })));
    }
  }

  foo.registerOperator(BringUpToDate, "@fiftyone-avs/avs");
  foo.registerOperator(GoToView, "@fiftyone-avs/avs");
})();
