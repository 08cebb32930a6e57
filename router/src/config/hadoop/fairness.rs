//! What the Java router calls fairness: parts of the router that nameservices have for themselves.
//!
//! Java deals out its handlers. There are none here, but what an administrator says with them stays true: a nameservice
//! that had three of ten handlers has three tenths of the room for calls in flight. Those that nothing is said of share
//! the rest as it is needed, where Java deals it out in equal parts.

use super::Error;
use super::properties::Properties;

pub(super) const CONTROLLER: &str = "dfs.federation.router.fairness.policy.controller.class";
pub(super) const COUNT: &str = "dfs.federation.router.fairness.handler.count.<ns>";
pub(super) const PROPORTION: &str = "dfs.federation.router.fairness.handler.proportion.<ns>";
pub(super) const HANDLERS: &str = "dfs.federation.router.handler.count";
/// What [`CONTROLLER`] accepts.
pub(super) const CONTROLLERS: &str = "a class of org.apache.hadoop.hdfs.server.federation.fairness: \
     NoRouterRpcFairnessPolicyController, StaticRouterRpcFairnessPolicyController or \
     ProportionRouterRpcFairnessPolicyController";
/// Fan-outs, which have handlers of their own in Java. Here each takes room of each nameservice that it asks.
const FAN_OUTS: &str = "concurrent";

/// Nameservices with the part that is theirs, from 0 to 1.
pub(super) fn reserved(properties: &Properties) -> Result<Vec<(String, f64)>, Error> {
    let Some(class) = properties.get(CONTROLLER)?.filter(|class| !class.is_empty()) else { return Ok(Vec::new()) };
    match class.strip_prefix("org.apache.hadoop.hdfs.server.federation.fairness.") {
        Some("NoRouterRpcFairnessPolicyController") => Ok(Vec::new()),
        Some("StaticRouterRpcFairnessPolicyController") => counted(properties),
        Some("ProportionRouterRpcFairnessPolicyController") => {
            family(properties, PROPORTION, "a number from 0 to 1", part)
        }
        _ => Err(properties.refused(CONTROLLER, &class, CONTROLLERS)),
    }
}

/// By counts of handlers.
fn counted(properties: &Properties) -> Result<Vec<(String, f64)>, Error> {
    let accepted = "a number from 1 to 1000000";
    let handlers = properties.get(HANDLERS)?.filter(|count| !count.is_empty()).unwrap_or_else(|| "10".to_owned());
    let total = count(&handlers).ok_or_else(|| properties.refused(HANDLERS, &handlers, accepted))?;
    let counts = family(properties, COUNT, accepted, count)?;
    let least: f64 = counts.iter().map(|(_, count)| count).sum();
    if least > total {
        let accepted = format!("at least {least}, the sum of {COUNT}");
        return Err(properties.refused(HANDLERS, &handlers, accepted));
    }
    Ok(counts.into_iter().map(|(id, count)| (id, count / total)).collect())
}

/// The keys of a family that are set, by nameservice.
fn family(
    properties: &Properties,
    pattern: &str,
    accepted: &str,
    read: fn(&str) -> Option<f64>,
) -> Result<Vec<(String, f64)>, Error> {
    let prefix = pattern.trim_end_matches("<ns>");
    let mut found = Vec::new();
    for key in properties.names() {
        let Some(id) = key.strip_prefix(prefix).filter(|id| !id.is_empty() && *id != FAN_OUTS) else { continue };
        let Some(value) = properties.get(key)?.filter(|value| !value.is_empty()) else { continue };
        let number = read(value.trim()).ok_or_else(|| properties.refused(key, &value, accepted))?;
        found.push((id.to_owned(), number));
    }
    Ok(found)
}

fn count(text: &str) -> Option<f64> {
    text.parse::<u32>().ok().filter(|count| (1..=1_000_000).contains(count)).map(f64::from)
}

fn part(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|part| (0.0..=1.0).contains(part))
}
