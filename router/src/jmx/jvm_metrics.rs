//! `JvmMetrics`, as far as a native process has the like: its memory is the heap, and its threads run or wait.

use anabranch_telemetry::jmx::{Attributes, float};
use anabranch_telemetry::process;

use super::{Sources, attributes, process_tags, unknown};

pub(super) fn attributes(sources: &Sources) -> Attributes {
    let (memory, threads) = (process::memory(), process::threads());
    let in_state = |states: &[char]| threads.iter().filter(|thread| states.contains(&thread.state)).count();
    let mut attributes = process_tags(sources, "jvm", None);
    attributes.extend(attributes![
        "MemHeapUsedM" => mebi(memory.resident),
        "MemHeapCommittedM" => mebi(memory.peak),
        "MemHeapMaxM" => mebi(memory.limit),
        "MemMaxM" => mebi(memory.limit),
        "ThreadsRunnable" => in_state(&['R']),
        "ThreadsBlocked" => in_state(&['D']),
        "ThreadsWaiting" => in_state(&['S', 'I']),
    ]);
    attributes.extend(unknown::of("JvmMetrics"));
    attributes
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with seven digits")]
fn mebi(bytes: u64) -> serde_json::Value {
    float((bytes as f64 / f64::from(1 << 20)) as f32)
}
