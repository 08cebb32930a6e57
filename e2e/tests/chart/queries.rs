//! What a query of Prometheus asks for.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, Expr, VectorSelector};

/// Labels that Prometheus gives to every series, from where it was read.
const OF_TARGETS: [&str; 4] = ["namespace", "job", "pod", "le"];

/// The metrics that a query reads, and the labels that it expects of each to be there.
///
/// # Errors
/// What is wrong with the query.
pub fn asked(query: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    // What Grafana fills in.
    let query = query.replace("$__rate_interval", "5m").replace("$__interval", "5m");
    let mut asked = BTreeMap::new();
    walk(&parser::parse(&query)?, &BTreeSet::new(), &mut asked)?;
    Ok(asked)
}

fn walk(query: &Expr, by: &BTreeSet<String>, asked: &mut BTreeMap<String, BTreeSet<String>>) -> Result<(), String> {
    match query {
        Expr::VectorSelector(selector) => take(selector, by, asked)?,
        Expr::MatrixSelector(matrix) => take(&matrix.vs, by, asked)?,
        Expr::Aggregate(aggregate) => {
            let labels = aggregate.modifier.iter().flat_map(|modifier| &modifier.labels().labels);
            let by = by.iter().cloned().chain(labels.map(ToString::to_string)).collect();
            walk(&aggregate.expr, &by, asked)?;
        }
        Expr::Binary(binary) => {
            walk(&binary.lhs, by, asked)?;
            walk(&binary.rhs, by, asked)?;
        }
        Expr::Call(call) => call.args.args.iter().try_for_each(|arg| walk(arg, by, asked))?,
        Expr::Paren(inner) => walk(&inner.expr, by, asked)?,
        Expr::Unary(inner) => walk(&inner.expr, by, asked)?,
        Expr::Subquery(inner) => walk(&inner.expr, by, asked)?,
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) => {}
        Expr::Extension(_) => return Err("an extension of PromQL".to_owned()),
    }
    Ok(())
}

fn take(
    selector: &VectorSelector,
    by: &BTreeSet<String>,
    asked: &mut BTreeMap<String, BTreeSet<String>>,
) -> Result<(), String> {
    let name = selector.name.clone().ok_or_else(|| format!("{selector} names no metric"))?;
    let matched = selector.matchers.matchers.iter().map(|matcher| matcher.name.clone());
    let labels = matched.chain(by.iter().cloned()).filter(|label| !OF_TARGETS.contains(&label.as_str()));
    asked.entry(name).or_default().extend(labels);
    Ok(())
}
