//! What a query of Prometheus asks for, as far as a look at its words can tell.

use std::collections::BTreeSet;

/// Labels that Prometheus gives to every series, from where it was read.
const OF_TARGETS: [&str; 3] = ["namespace", "job", "pod"];

/// A metric of ours in a query, and the labels that its series must have.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked {
    /// As it is written: histograms with what is appended to their names.
    pub metric: String,
    /// Those that it is selected or grouped by.
    pub labels: BTreeSet<String>,
}

/// The metrics of ours that a query reads.
pub fn asked(query: &str) -> Vec<Asked> {
    let starts: Vec<usize> = query.match_indices("anabranch_").map(|(at, _)| at).collect();
    let grouped = within(query, "by (", ')').flat_map(|labels| labels.split(", "));
    let grouped: BTreeSet<&str> = grouped.collect();
    let asked = starts.into_iter().map(|at| {
        let rest = &query[at..];
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(rest.len());
        let (metric, rest) = rest.split_at(end);
        let selected = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(labels, _)| labels);
        let selected = selected.split(", ").filter_map(|pair| Some(pair.split_once(['=', '!'])?.0));
        let labels = selected.chain(grouped.iter().copied()).filter(|label| !OF_TARGETS.contains(label));
        Asked { metric: metric.to_owned(), labels: labels.map(str::to_owned).collect() }
    });
    asked.collect()
}

/// What stands between `open` and `close`, wherever that is.
fn within<'q>(query: &'q str, open: &str, close: char) -> impl Iterator<Item = &'q str> {
    query.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// A broken query is no query: what is opened is closed.
pub fn is_balanced(query: &str) -> bool {
    let mut open = Vec::new();
    let closes = |it: char| [('(', ')'), ('{', '}'), ('[', ']')].iter().find(|(_, end)| *end == it).map(|pair| pair.0);
    let balanced = query.chars().all(|it| match closes(it) {
        Some(begin) => open.pop() == Some(begin),
        None => {
            open.extend("({[".contains(it).then_some(it));
            true
        }
    });
    balanced && open.is_empty()
}
