use anabranch_federation::explain::{POSSIBLE, Question, explain};
use anabranch_federation::{Authority, MountEntry, MountPath, MountTable, NameserviceId};
use anabranch_router::explain::SeenNameservice;

use super::*;

fn entry(source: &str, destinations: &[(&str, &str)], order: Order) -> MountEntry {
    MountEntry { order, ..MountEntry::parse(source, destinations.iter().copied()).unwrap() }
}

fn answer(entries: Vec<MountEntry>, default: Option<&str>, path: &str) -> Answer {
    let table = MountTable::build(entries, default.map(|id| NameserviceId::parse(id).unwrap()));
    let (path, disabled) = (MountPath::parse(path).unwrap(), [NameserviceId::parse("off").unwrap()]);
    let authority = Authority { superuser: None, supergroup: None, enforced: true };
    let (user, placement) = (Some(("ann", &[][..])), POSSIBLE);
    let question = Question { path: &path, user, placement, disabled: &disabled, authority: &authority, used: None };
    let unknown = |id: &str| SeenNameservice { id: id.to_owned(), namenodes: Vec::new(), embedded: false };
    Answer::new(explain(&table, &question), None, unknown)
}

fn namenode(id: &str, state: Option<&str>) -> SeenNamenode {
    let called = state != Some("OBSERVER");
    SeenNamenode { id: Some(id.into()), address: format!("{id}:8020"), state: state.map(str::to_owned), called }
}

#[test]
fn a_running_router_tells_its_namenodes() {
    let destinations = [("ns0", "/warehouse"), ("off", "/old"), ("ns1", "/"), ("ns2", "/")];
    let mut data = MountEntry { owner: "bob".into(), ..entry("/data", &destinations, Order::HashAll) };
    data.fault_tolerant = true;
    data.quota.files = Limit { quota: Some(2), used: 3 };
    data.quota.space = Limit { quota: None, used: 1 << 30 };
    let root = entry("/", &[("ns1", "/")], Order::Hash);
    let mut answer = answer(vec![data, root], None, "/data/x/y");
    let ns0 = vec![namenode("nn2", Some("ACTIVE")), namenode("nn1", None), namenode("nn3", Some("OBSERVER"))];
    answer.router = Some(Seen { id: "r1:8888".into(), revision: 7, safe_mode: Some("the router is starting".into()) });
    answer.nameservices.iter_mut().find(|known| known.id == "ns0").unwrap().namenodes = ns0;
    let expected = "\
/data/x/y
mount       /data, the longest match; shorter: /
order       HASH_ALL: /data/x/y belongs to ns1 by its hash; directories are in all of them
access      read and write; fault tolerant: a file is made in another nameservice when the first is away
entry       owner bob, group (supergroup), mode 0755; ann may see it, pass to mounts below
quota       files 3 of 2 (exceeded), space 1.0 GiB no limit
router      r1:8888, mount table at revision 7; in safe mode, which refuses changes: the router is starting

ASKED  NAMESERVICE  PATH THERE      NAMENODES
1      ns1          /x/y            unknown to the router
2      ns0          /warehouse/x/y  nn2 nn2:8020 active, nn1 nn1:8020, nn3 nn3:8020 observer (not called)
-      off          /old/x/y        disabled
3      ns2          /x/y            unknown to the router";
    assert_eq!(of(&answer), expected);
}

#[test]
fn what_a_router_knows_of_space_and_clients_is_told() {
    let both = [("ns0", "/a"), ("ns1", "/a")];
    let order = |kind, choice| {
        let mut answer = answer(vec![entry("/m", &both, kind)], None, "/m/x");
        answer.explanation.choice = choice;
        of(&answer).lines().find_map(|line| line.strip_prefix("order       ").map(str::to_owned)).unwrap()
    };
    let room = |nameservice: &str, available| Room { nameservice: nameservice.into(), available };
    let space = Choice::Space { among: vec![room("ns1", 3 << 40), room("ns0", 1 << 30)], drawn: "ns1".into() };
    let expected = "SPACE: each call draws one of ns1 with 3.0 TiB free, ns0 with 1.0 GiB free to be asked first, \
        the first one most likely; directories are in all of them";
    assert_eq!(order(Order::Space, space), expected);
    let local = Choice::Local { nameservice: "ns1".into() };
    assert_eq!(order(Order::Local, local), "LOCAL: the client is next to ns1");
    let mut trash = answer(Vec::new(), None, "/user/ann/.Trash");
    trash.explanation.choice = Choice::Everywhere;
    let told =
        "mount       none; a directory of the user's trash, of which each nameservice has its own: all are asked";
    assert!(of(&trash).lines().any(|line| line == told), "{}", of(&trash));
}

#[test]
fn each_case_has_its_words() {
    let mounts = || {
        let both = [("ns0", "/a"), ("ns1", "/a")];
        let one = [("ns0", "/a"), ("ns0", "/b")];
        let many = (10..30).map(|i| entry(&format!("/many/m{i}"), &[("ns0", "/")], Order::Hash));
        let few = vec![
            entry("/led", &both, Order::LeaderFollower),
            entry("/lots", &both, Order::Random),
            entry("/near", &both, Order::Local),
            entry("/free", &both, Order::Space),
            entry("/one", &one, Order::Hash),
            entry("/gone", &[("off", "/")], Order::Hash),
            MountEntry { read_only: true, mode: 0, ..entry("/ro", &[("ns0", "/ro")], Order::Hash) },
        ];
        few.into_iter().chain(many).collect::<Vec<_>>()
    };
    let rows = [
        ("/led/x", None, "order       LEADER_FOLLOWER: as listed, the first leads"),
        (
            "/lots",
            None,
            "order       RANDOM: each call draws one of ns0, ns1 to be asked first; directories are in all of them",
        ),
        ("/near", None, "order       LOCAL: as listed, since no client is named that is next to one of them"),
        (
            "/free",
            None,
            "order       SPACE: as listed, since nothing is known of free space; directories are in all of them",
        ),
        ("/one", None, "order       HASH: /one belongs to ns0 by its hash"),
        ("/ro", None, "access      read only: writes are refused"),
        ("/ro", None, "entry       owner (superuser), group (supergroup), mode 0000; ann may do nothing with it"),
        ("/ro", None, "directory   a mount point: not to be renamed or deleted"),
        ("/user/ann/.Trash/Current/ro/x", None, "stands for  /ro/x, which it was before it was deleted"),
        ("/.reserved/raw/ro", None, "stands for  /ro, whose stored bytes it shows"),
        ("/many", Some("ns3"), "mount       none; what no mount covers is in the default nameservice, ns3"),
        (
            "/many",
            None,
            "directory   mounts below: m10, m11, m12, m13, m14, m15, m16, m17, m18, m19, m20, m21 and 8 more",
        ),
        (
            "/many",
            None,
            "asked       no nameservice (mount the path, or set the default nameservice); the mount table alone makes the directory",
        ),
        ("/else", None, "mount       none; and there is no default nameservice"),
        ("/else", None, "asked       no nameservice: calls fail; mount the path, or set the default nameservice"),
        ("/gone/x", None, "asked       no nameservice: calls fail; all its nameservices are disabled"),
        ("/gone/x", None, "-      off          /x          disabled"),
    ];
    for (path, default, line) in rows {
        let text = of(&answer(mounts(), default, path));
        assert!(text.lines().any(|told| told == line), "{path}: no {line:?} in\n{text}");
    }
}
