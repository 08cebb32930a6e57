//! Random operations against a naive model: a map from paths to what is there.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::state::resolve::is_valid_name;

#[derive(Debug, Clone)]
enum Op {
    Mkdirs(String),
    Create(String, bool),
    Close(String),
    Delete(String, bool),
    Rename(String, String),
    Rename2(String, String, bool),
}

/// What is at a path: `None` for a directory, else whether the file is open.
type Model = BTreeMap<String, Option<bool>>;

fn parent(path: &str) -> String {
    let end = path.rfind('/').unwrap_or(0);
    if end == 0 { "/".into() } else { path[..end].into() }
}

fn ancestors(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned());
    ends.collect()
}

fn below<'m>(model: &'m Model, path: &str) -> Vec<&'m String> {
    let prefix = format!("{path}/");
    model.keys().filter(|key| key.starts_with(&prefix)).collect()
}

fn is_dir(model: &Model, path: &str) -> bool {
    path == "/" || model.get(path) == Some(&None)
}

fn through_file(model: &Model, path: &str) -> bool {
    ancestors(path).iter().any(|dir| matches!(model.get(dir), Some(Some(_))))
}

fn move_tree(model: &mut Model, from: &str, to: &str) {
    let moved: Vec<String> = below(model, from).into_iter().cloned().chain([from.to_owned()]).collect();
    for path in moved {
        let what = model.remove(&path).unwrap();
        model.insert(format!("{to}{}", &path[from.len()..]), what);
    }
}

/// Applies an operation; `None`: it is refused, `Some(false)`: it answers false.
fn apply(model: &mut Model, op: &Op) -> Option<bool> {
    match op {
        Op::Mkdirs(path) => {
            if through_file(model, path) || matches!(model.get(path), Some(Some(_))) {
                return None;
            }
            for dir in ancestors(path).into_iter().chain([path.clone()]) {
                model.insert(dir, None);
            }
            Some(true)
        }
        Op::Create(path, overwrite) => {
            let taken = model.get(path).is_some_and(|what| what.is_none() || !overwrite);
            if through_file(model, path) || taken {
                return None;
            }
            for dir in ancestors(path) {
                model.insert(dir, None);
            }
            model.insert(path.clone(), Some(true));
            Some(true)
        }
        Op::Close(path) => match model.get_mut(path) {
            // A file without blocks that is closed counts as closed by this call.
            Some(Some(open)) => {
                *open = false;
                Some(true)
            }
            _ => None,
        },
        Op::Delete(path, recursive) => {
            if through_file(model, path) || (!recursive && !below(model, path).is_empty()) {
                return None;
            }
            let gone: Vec<String> = below(model, path).into_iter().cloned().collect();
            model.retain(|path, _| !gone.contains(path));
            Some(model.remove(path).is_some())
        }
        Op::Rename(from, to) => {
            if through_file(model, from) || through_file(model, to) {
                return None;
            }
            let name = &from[from.rfind('/').unwrap()..];
            let to = if is_dir(model, to) { format!("{to}{name}") } else { to.clone() };
            if !model.contains_key(from) {
                return Some(false);
            }
            if *from == to {
                return Some(true);
            }
            let free = !model.contains_key(&to) && is_dir(model, &parent(&to));
            if !free || to.starts_with(&format!("{from}/")) {
                return Some(false);
            }
            move_tree(model, from, &to);
            Some(true)
        }
        Op::Rename2(from, to, overwrite) => {
            if through_file(model, from) || through_file(model, to) || from == to {
                return None;
            }
            let source = *model.get(from)?;
            let into_itself = to.starts_with(&format!("{from}/"));
            let may_replace = model
                .get(to)
                .is_none_or(|target| *overwrite && target.is_none() == source.is_none() && below(model, to).is_empty());
            if into_itself || !may_replace || !is_dir(model, &parent(to)) {
                return None;
            }
            model.remove(to);
            move_tree(model, from, to);
            Some(true)
        }
    }
}

fn execute(txn: &mut Txn<'_>, op: &Op) -> Result<bool, Fault> {
    let who = &root();
    match op {
        Op::Mkdirs(path) => ops::mkdirs(txn, who, path, 0o755, true).map(|()| true),
        Op::Create(path, overwrite) => {
            ops::create(txn, who, &Create { overwrite: *overwrite, ..ask(path) }).map(|_| true)
        }
        Op::Close(path) => ops::complete(txn, who, named(path), None),
        Op::Delete(path, recursive) => ops::delete(txn, who, path, *recursive),
        Op::Rename(from, to) => ops::rename(txn, who, from, to),
        Op::Rename2(from, to, overwrite) => {
            let ask = ops::Rename2 { from: from.clone(), to: to.clone(), overwrite: *overwrite };
            ops::rename2(txn, who, &ask).map(|()| true)
        }
    }
}

/// The whole tree, as the model has it.
fn tree(view: &impl View) -> Model {
    let mut model = Model::new();
    let mut waiting = vec![(tables::ROOT, String::new())];
    while let Some((dir, path)) = waiting.pop() {
        for entry in view.children(dir, &[], 10_000).unwrap() {
            let path = format!("{path}/{}", entry.name);
            let inode = view.inode(entry.inode).unwrap();
            assert_eq!(view.path_of(&inode).unwrap().as_deref(), Some(&*path));
            model.insert(path.clone(), inode.file.map(|file| file.writer.is_some()));
            if entry.is_dir {
                waiting.push((entry.inode, path));
            }
        }
    }
    model
}

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[abc]", 1..4).prop_map(|names| format!("/{}", names.join("/")))
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        path().prop_map(Op::Mkdirs),
        (path(), any::<bool>()).prop_map(|(path, overwrite)| Op::Create(path, overwrite)),
        path().prop_map(Op::Close),
        (path(), any::<bool>()).prop_map(|(path, recursive)| Op::Delete(path, recursive)),
        (path(), path()).prop_map(|(from, to)| Op::Rename(from, to)),
        (path(), path(), any::<bool>()).prop_map(|(from, to, overwrite)| Op::Rename2(from, to, overwrite)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Groups of one to eight operations: each sees what those before it in its group did.
    #[test]
    fn random_operations_do_what_the_model_does(
        groups in proptest::collection::vec(proptest::collection::vec(op(), 1..8), 1..16)
    ) {
        let mut rig = Rig::new();
        let mut model = Model::new();
        for ops in &groups {
            rig.group(|txn, now| {
                for op in ops {
                    let expected = apply(&mut model, op);
                    let found = txn.run(now, |txn| execute(txn, op));
                    assert_eq!(found.clone().ok(), expected, "{op:?}: {found:?}");
                }
            });
            prop_assert_eq!(&tree(&rig.journal().snapshot()), &model);
        }
        rig.restart();
        prop_assert_eq!(&tree(&rig.journal().snapshot()), &model);
        rig.settle();
        prop_assert_eq!(&tree(&rig.journal().snapshot()), &model);
        prop_assert!(model.keys().all(|path| is_valid_name(path)));
    }
}
