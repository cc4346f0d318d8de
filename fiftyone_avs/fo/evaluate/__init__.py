"""``evaluate``: what is asked, which cases that means, their scores, and the evaluation that FiftyOne stores."""
