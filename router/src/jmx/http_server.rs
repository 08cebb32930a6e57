//! `HttpServer2-<port>`: what the web server does.

use anabranch_telemetry::jmx::Attributes;

use super::{Sources, attributes, tags, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let mut attributes = tags(sources, "http");
    let Some(web) = &sources.web else { return attributes };
    let totals = web.statistics.totals();
    let (mean, deviation) = totals.mean_and_deviation_ms();
    let ms = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let [informed, succeeded, redirected, mistaken, failed] = totals.responses;
    attributes.extend(attributes![
        "Requests" => totals.requests,
        "RequestsActive" => totals.active,
        "RequestsActiveMax" => totals.most_active,
        "RequestTimeMax" => ms(totals.longest),
        "RequestTimeMean" => mean,
        "RequestTimeStdDev" => deviation,
        "RequestTimeTotal" => ms(totals.time),
        // A request is dispatched once: when it comes.
        "Dispatched" => totals.requests,
        "DispatchedActive" => totals.active,
        "DispatchedActiveMax" => totals.most_active,
        "DispatchedTimeMax" => ms(totals.longest),
        "DispatchedTimeMean" => mean,
        "DispatchedTimeStdDev" => deviation,
        "DispatchedTimeTotal" => ms(totals.time),
        "Responses1xx" => informed,
        "Responses2xx" => succeeded,
        "Responses3xx" => redirected,
        "Responses4xx" => mistaken,
        "Responses5xx" => failed,
        "ResponsesBytesTotal" => totals.bytes,
        "StatsOnMs" => ms(web.statistics.age()),
    ]);
    attributes.extend(unknown::of("HttpServer2"));
    attributes
}
