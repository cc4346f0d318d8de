// Brings an open dataset up to date after Python has changed it: new fields appear, and the filters, the view and the
// fields that the user looked at stay. FiftyOne's own "reload_dataset" drops the sidebar's filters. No decision is made
// here: Python says which fields to show and in which colours.
(function () {
  const fos = window.__fos__;
  const foo = window.__foo__;
  const recoil = window.recoil;
  const PATIENCE = 5000; // milliseconds until the new schema must be there
  const LOOK = 100;

  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  class BringUpToDate extends foo.Operator {
    get config() {
      return new foo.OperatorConfig({ name: "bring_up_to_date", label: "AVS: bring up to date", unlisted: true });
    }

    useHooks() {
      const refresh = fos.useRefresh();
      const setColours = fos.useSetSessionColorScheme();
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
        set(fos.filters, filters);
        set(fos.activeFields({ modal: false }), active);
      });
      return { refresh, setColours, look, put };
    }

    async execute({ params, hooks }) {
      const { fields = [], instead_of: gone = [], colours = [] } = params;
      const before = await hooks.look();
      hooks.refresh();
      let now = before;
      for (let waited = 0; waited < PATIENCE; waited += LOOK) {
        await wait(LOOK);
        now = await hooks.look();
        const there = fields.every((path) => now.known.includes(path));
        if (there && waited >= 4 * LOOK) break;
      }
      const kept = before.active.filter((path) => !gone.includes(path) && !fields.includes(path));
      const active = [...fields, ...kept].filter((path) => now.known.includes(path.replace(/^(frames\.[^.]*|[^.]*).*/, "$1")));
      hooks.put(before.filters, fields.length ? active : before.active);
      if (colours.length) {
        hooks.setColours((scheme) => {
          const own = scheme.fields || [];
          const named = own.map((one) => one.path);
          return { ...scheme, fields: [...own, ...colours.filter((one) => !named.includes(one.path))] };
        });
      }
    }
  }

  foo.registerOperator(BringUpToDate, "@fiftyone-avs/avs");
})();
