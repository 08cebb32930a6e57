use anabranch_federation::membership::NamenodeName;
use anabranch_federation::membership::NamenodeState::*;

use super::*;
use crate::config::NamenodeConfig;

fn ns(id: &str) -> NameserviceId {
    NameserviceId::parse(id).unwrap()
}

/// `ns0` with `nn1` at `a:1` and `nn2` at `b:1`.
fn configured() -> Vec<(NameserviceId, NameserviceConfig)> {
    let namenode = |id: &str, at: &str| NamenodeConfig { id: Some(id.to_owned()), rpc_address: at.to_owned() };
    let namenodes = vec![namenode("nn1", "a:1"), namenode("nn2", "b:1")];
    vec![(ns("ns0"), NameserviceConfig { id: "ns0".to_owned(), namenodes })]
}

fn registered(nameservice: &str, namenode: Option<&str>, state: NamenodeState, known_as: &[&str]) -> Registration {
    Registration {
        namenode: NamenodeName { nameservice: ns(nameservice), namenode: namenode.map(str::to_owned) },
        state,
        modified_ms: 1,
        rpc_address: known_as[0].to_owned(),
        known_as: known_as.iter().map(|one| (*one).to_owned()).collect(),
        block_pool: String::new(),
    }
}

fn shown(compositions: &[Composition]) -> Vec<String> {
    let member = |one: &Member| format!("{}={}", one.address, one.state.map_or("-", NamenodeState::name));
    let shown =
        |(id, members): &Composition| format!("{id}: {}", members.iter().map(member).collect::<Vec<_>>().join(" "));
    compositions.iter().map(shown).collect()
}

#[test]
fn configuration_and_records_are_put_together() {
    type Row = (&'static str, Vec<Registration>, &'static [&'static str]);
    let rows: Vec<Row> = vec![
        ("no records", vec![], &["ns0: a:1=- b:1=-"]),
        (
            "the active one first",
            vec![registered("ns0", Some("nn2"), Active, &["b:1"]), registered("ns0", Some("nn1"), Standby, &["a:1"])],
            &["ns0: b:1=ACTIVE a:1=STANDBY"],
        ),
        (
            "one that nobody reports stays, last",
            vec![registered("ns0", Some("nn2"), Unavailable, &["b:1"])],
            &["ns0: b:1=UNAVAILABLE a:1=-"],
        ),
        (
            "observers get no calls",
            vec![
                registered("ns0", Some("nn1"), Observer, &["a:1"]),
                registered("ns0", Some("nn2"), Unavailable, &["b:1"]),
            ],
            &["ns0: b:1=UNAVAILABLE a:1=OBSERVER"],
        ),
        (
            "a third NameNode, and a subcluster that the configuration lacks",
            vec![registered("ns0", Some("nn3"), Active, &["c:1"]), registered("ns9", None, Active, &["z:1"])],
            &["ns0: c:1=ACTIVE a:1=- b:1=-", "ns9: z:1=ACTIVE"],
        ),
        ("another address", vec![registered("ns0", Some("nn1"), Active, &["moved:1"])], &["ns0: moved:1=ACTIVE b:1=-"]),
        (
            "another name of the same address",
            vec![registered("ns0", Some("nn1"), Active, &["name-of-a:1", "a:1"])],
            &["ns0: a:1=ACTIVE b:1=-"],
        ),
        (
            "two ids at one address",
            vec![registered("ns0", Some("nn1"), Active, &["a:1"]), registered("ns0", Some("x"), Standby, &["a:1"])],
            &["ns0: a:1=ACTIVE b:1=-"],
        ),
        (
            "reported without the id that the configuration gives it",
            vec![registered("ns0", None, Active, &["a:1"])],
            &["ns0: a:1=ACTIVE b:1=-"],
        ),
    ];
    for (case, registrations, expected) in rows {
        assert_eq!(shown(&compose(&configured(), &registrations, |_| Vec::new())), expected, "{case}");
    }
}

#[test]
fn an_address_in_use_stays_while_it_is_one_of_several_names() {
    let nn1 = |address: &str| Member { id: Some("nn1".to_owned()), address: address.to_owned(), state: Some(Active) };
    let compose = |in_use: &str, known_as: &[&str]| {
        let registrations = [registered("ns9", Some("nn1"), Active, known_as)];
        compose(&[], &registrations, |_| vec![nn1(in_use)])[0].1[0].address.clone()
    };
    assert_eq!(compose("a:1", &["name:1", "a:1"]), "a:1");
    assert_eq!(compose("a:1", &["b:1", "name:1"]), "b:1");
}

#[test]
fn of_several_that_call_themselves_active_the_last_to_become_it_stays_first() {
    let member =
        |(at, state): &(&str, NamenodeState)| Member { id: None, address: (*at).to_owned(), state: Some(*state) };
    type States = &'static [(&'static str, NamenodeState)];
    let rows: [(&str, States, States, &str); 5] = [
        ("a hung, and goes on", &[("b", Active), ("a", Unavailable)], &[("a", Active), ("b", Active)], "b"),
        ("a is reported later than b", &[("b", Active), ("a", Active)], &[("a", Active), ("b", Active)], "b"),
        ("b hangs, a is made active", &[("b", Active), ("a", Standby)], &[("a", Active), ("b", Active)], "a"),
        ("b is active no more", &[("b", Active), ("a", Unavailable)], &[("a", Active), ("b", Standby)], "a"),
        ("nothing was known", &[("b", Standby), ("a", Unavailable)], &[("a", Active), ("b", Active)], "a"),
    ];
    for (case, in_use, reported, first) in rows {
        let registered = |(at, state): &(&str, NamenodeState)| registered("ns9", Some(at), *state, &[at]);
        let registrations: Vec<Registration> = reported.iter().map(registered).collect();
        let composed = compose(&[], &registrations, |_| in_use.iter().map(member).collect());
        assert_eq!(composed[0].1[0].address, first, "{case}");
    }
}

#[test]
fn what_calls_found_out_counts_until_the_records_say_otherwise() {
    let members = |all: &[(&str, NamenodeState)]| {
        let member =
            |(at, state): &(&str, NamenodeState)| Member { id: None, address: (*at).to_owned(), state: Some(*state) };
        all.iter().map(member).collect::<Vec<_>>()
    };
    let a_active = members(&[("a", Active), ("b", Standby)]);
    let b_active = members(&[("b", Active), ("a", Standby)]);
    let rows = [
        ("nothing new", &a_active, 0, a_active.clone(), 0),
        ("calls found b, the records know nothing of it yet", &a_active, 1, a_active.clone(), 1),
        ("a dies, which says nothing of b", &a_active, 1, members(&[("b", Standby), ("a", Unavailable)]), 0),
        ("the records have found b, too", &a_active, 1, b_active.clone(), 0),
        ("the records tell of another than the calls", &a_active, 1, members(&[("c", Active), ("b", Standby)]), 0),
        ("another becomes active", &a_active, 0, b_active.clone(), 0),
        ("b is a standby no more", &a_active, 1, members(&[("a", Active), ("b", Unavailable)]), 0),
        ("it is gone", &a_active, 1, members(&[("a", Active)]), 0),
        ("a third one comes", &a_active, 1, members(&[("a", Active), ("c", Standby), ("b", Standby)]), 2),
    ];
    for (case, last, asked, next, expected) in rows {
        assert_eq!(carried(last, asked, &next), expected, "{case}");
    }
}
