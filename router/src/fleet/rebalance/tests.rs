use super::*;

#[test]
fn others_that_begin_to_serve_have_joined() {
    use RouterStatus::{Expired, Initializing, Running, SafeMode, Shutdown};
    let mut peers = Peers::of("me");
    let steps: [(&[(&str, RouterStatus)], bool); 10] = [
        (&[("me", Initializing), ("a", Running), ("old", Expired)], false),
        (&[("me", Running), ("a", Running)], false),
        (&[("me", Running), ("a", Running), ("b", Initializing)], false),
        (&[("me", Running), ("a", Running), ("b", SafeMode)], false),
        (&[("me", Running), ("a", Running), ("b", Running)], true),
        (&[("me", Running), ("a", Running), ("b", Running)], false),
        (&[("me", SafeMode), ("a", SafeMode), ("b", SafeMode)], false),
        (&[("me", Running), ("a", Running), ("b", Running)], false),
        (&[("me", Running), ("a", Shutdown), ("b", Running)], false),
        (&[("me", Running), ("a", Running), ("b", Running)], true),
    ];
    for (step, (records, expected)) in steps.into_iter().enumerate() {
        let gone = ["a", "b", "old"].into_iter().filter(|name| records.iter().all(|(key, _)| key != name));
        let there = records.iter().map(|(key, status)| (*key, Some(*status)));
        peers.take(there.chain(gone.map(|key| (key, None))));
        if step == 0 {
            peers.settle();
        }
        assert_eq!(peers.is_uneven(), expected, "step {step}");
        if expected {
            peers.settle();
        }
    }
}

/// A fleet as its members see it, with the load that each is expected to have, of 1 in all. Who connects again comes to any
/// router alike.
struct Model<'a> {
    routers: Vec<(Peers<'a>, f64)>,
    /// Those that have not looked yet.
    fresh: BTreeSet<&'a str>,
    /// How often a connection was let go, on average.
    moved: f64,
}

impl<'a> Model<'a> {
    fn of(names: &'a [String]) -> Self {
        let mut model = Self { routers: Vec::new(), fresh: BTreeSet::new(), moved: 0.0 };
        names.iter().for_each(|name| model.join(name));
        model.spread(1.0);
        model.look();
        model
    }

    fn join(&mut self, me: &'a str) {
        self.routers.push((Peers::of(me), 0.0));
        self.fresh.insert(me);
    }

    fn leave(&mut self, name: &str) {
        let at = self.routers.iter().position(|(peers, _)| peers.me == name).unwrap();
        let (_, load) = self.routers.remove(at);
        self.spread(load);
    }

    fn spread(&mut self, load: f64) {
        let each = load / self.routers.len() as f64;
        self.routers.iter_mut().for_each(|(_, load)| *load += each);
    }

    /// All look at who there is.
    fn look(&mut self) {
        let names: Vec<&str> = self.routers.iter().map(|(peers, _)| peers.me).collect();
        let mut freed = 0.0;
        for (peers, load) in &mut self.routers {
            let gone: Vec<_> = peers.serving.iter().filter(|name| !names.contains(&name.as_str())).cloned().collect();
            let there = names.iter().map(|name| (*name, Some(RouterStatus::Running)));
            peers.take(there.chain(gone.iter().map(|name| (name.as_str(), None))));
            // Those that were there at first have not joined.
            if self.fresh.remove(peers.me) {
                peers.settle();
            }
            if peers.is_uneven() {
                peers.settle();
                freed += std::mem::take(load);
            }
        }
        self.moved += freed;
        self.spread(freed);
    }

    /// The highest load, in even shares.
    fn highest(&self) -> f64 {
        self.routers.iter().map(|(_, load)| load * self.routers.len() as f64).fold(0.0, f64::max)
    }
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

#[test]
fn the_load_is_even_after_a_join_but_for_a_tenth() {
    for (before, joining) in [(1, 1), (2, 1), (3, 3), (10, 1), (10, 2), (40, 3), (40, 30), (100, 1)] {
        let (old, new) = (names("old", before), names("new", joining));
        let mut model = Model::of(&old);
        new.iter().for_each(|name| model.join(name));
        model.look();
        let highest = model.highest();
        assert!(highest < 1.1 + 1e-9, "{before} and {joining}: {highest}");
        // All connections move once, or none does.
        let moved = if joining * TOLERATED > before { 1.0 } else { 0.0 };
        assert!((model.moved - moved).abs() < 1e-9, "{before} and {joining}: {}", model.moved);
    }
}

#[test]
fn a_router_that_is_replaced_moves_nobody_elses_connections() {
    let (old, new) = (names("old", 30), names("new", 1));
    let mut model = Model::of(&old);
    model.join(&new[0]);
    model.look();
    model.leave("old7");
    model.look();
    assert_eq!(model.moved, 0.0);
}

#[test]
fn rolling_a_large_fleet_moves_each_connection_a_few_times() {
    let (old, new) = (names("old", 100), names("new", 100));
    for (at_once, moved) in [(1, 15.0), (5, 13.0), (25, 4.1)] {
        let mut model = Model::of(&old);
        for (old, new) in old.chunks(at_once).zip(new.chunks(at_once)) {
            new.iter().for_each(|name| model.join(name));
            model.look();
            old.iter().for_each(|name| model.leave(name));
            model.look();
            assert!(model.highest() < 2.0, "{at_once} at once: {}", model.highest());
        }
        assert!(model.moved <= moved, "{at_once} at once: each connection moved {} times", model.moved);
    }
}
