//! What deny.toml says about licences, bans and sources, held without cargo-deny, whose installation takes minutes.

use std::fs;
use std::path::Path;

use anabranch_e2e::metadata::Graph;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn every_licence_is_allowed() {
    let allowed = quoted_lines("allow = [", "\"");
    assert!(allowed.contains(&"Apache-2.0".to_owned()), "{allowed:?}");
    let graph = Graph::load();
    let refused: Vec<String> = graph
        .packages
        .values()
        .filter(|package| !package.licence.as_deref().is_some_and(|licence| is_allowed(licence, &allowed)))
        .map(|package| format!("{}: {}", package.name, package.licence.as_deref().unwrap_or("none")))
        .collect();
    assert!(refused.is_empty(), "not in deny.toml's list:\n{}", refused.join("\n"));
}

#[test]
fn nothing_banned_is_used() {
    let banned = quoted_lines("deny = [", "{ crate = \"");
    assert!(banned.contains(&"openssl".to_owned()), "{banned:?}");
    let graph = Graph::load();
    let used: Vec<&str> = graph
        .packages
        .values()
        .map(|package| package.name.as_str())
        .filter(|n| banned.iter().any(|b| b == n))
        .collect();
    assert!(used.is_empty(), "banned by deny.toml: {used:?}");
}

#[test]
fn everything_comes_from_the_public_registry() {
    let graph = Graph::load();
    let foreign: Vec<&str> = graph
        .packages
        .values()
        .filter(|package| package.source.as_deref().is_some_and(|source| source != CRATES_IO))
        .map(|package| package.name.as_str())
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

/// Whether an SPDX expression can be met by allowed licences: any side of an OR, both sides of an AND.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut words: Vec<String> = Vec::new();
    for word in expression.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        // A licence with its exception is one term.
        match words.last_mut() {
            Some(last) if word == "WITH" || last.ends_with(" WITH") => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut rest = words.as_slice();
    let met = either(&mut rest, allowed);
    assert!(rest.is_empty(), "cannot read the licence {expression}");
    met
}

fn either(rest: &mut &[String], allowed: &[String]) -> bool {
    let mut met = both(rest, allowed);
    while let Some(("OR", tail)) = rest.split_first().map(|(word, tail)| (word.as_str(), tail)) {
        *rest = tail;
        met |= both(rest, allowed);
    }
    met
}

fn both(rest: &mut &[String], allowed: &[String]) -> bool {
    let mut met = term(rest, allowed);
    while let Some(("AND", tail)) = rest.split_first().map(|(word, tail)| (word.as_str(), tail)) {
        *rest = tail;
        met &= term(rest, allowed);
    }
    met
}

fn term(rest: &mut &[String], allowed: &[String]) -> bool {
    let Some((word, tail)) = rest.split_first() else { return false };
    *rest = tail;
    if word != "(" {
        // `X+` is X or a later version, and X is one of them.
        return allowed.iter().any(|licence| licence == word.trim_end_matches('+'));
    }
    let met = either(rest, allowed);
    *rest = rest.split_first().map_or(&[], |(_, tail)| tail);
    met
}

/// The first quoted word of each line of a list of deny.toml, where the line starts with `prefix`.
fn quoted_lines(list: &str, prefix: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deny.toml")).expect("deny.toml");
    let lines = text.lines().map(str::trim).skip_while(|line| *line != list).skip(1).take_while(|line| *line != "]");
    lines.filter_map(|line| Some(line.strip_prefix(prefix)?.split('"').next()?.to_owned())).collect()
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = ["MIT".to_owned(), "Apache-2.0".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0 AND MIT", false),
        ("(MIT OR GPL-3.0) AND Apache-2.0", true),
        ("MIT AND (GPL-3.0 OR LGPL-3.0)", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
        ("MIT/Apache-2.0", true),
        ("MIT+", true),
    ] {
        assert_eq!(is_allowed(expression, &allowed), met, "{expression}");
    }
}
