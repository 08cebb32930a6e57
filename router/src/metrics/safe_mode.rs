use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts};
use tokio::sync::watch;

use crate::safe_mode::{Cause, State};

/// Shows whether safe mode is on and why, when metrics are asked for.
pub struct SafeModeCollector {
    state: watch::Receiver<State>,
    gauge: IntGaugeVec,
}

impl SafeModeCollector {
    /// Over the safe mode of a router.
    pub fn new(state: watch::Receiver<State>) -> prometheus::Result<Self> {
        let options = Opts::new("anabranch_safe_mode", "1 for the cause of safe mode while it is on, else 0.");
        Ok(Self { state, gauge: IntGaugeVec::new(options, &["cause"])? })
    }
}

impl Collector for SafeModeCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let now = self.state.borrow().cause();
        for cause in Cause::ALL {
            self.gauge.with_label_values(&[cause.label()]).set((now == Some(cause)).into());
        }
        self.gauge.collect()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::*;
    use crate::safe_mode::Event;

    #[test]
    fn one_cause_is_shown_at_a_time() {
        let state = watch::Sender::new(State::new(false));
        let registry = Registry::new();
        registry.register(Box::new(SafeModeCollector::new(state.subscribe()).unwrap())).unwrap();
        let shown = || {
            let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
            ["by_hand", "starting", "store_away"].map(|cause| text.contains(&format!("{{cause=\"{cause}\"}} 1\n")))
        };
        assert_eq!(shown(), [false, true, false]);
        state.send_modify(|state| *state = state.after(Event::Known));
        assert_eq!(shown(), [false, false, false]);
        state.send_modify(|state| *state = state.after(Event::Unknown).after(Event::Enter));
        assert_eq!(shown(), [true, false, false]);
        state.send_modify(|state| *state = state.after(Event::Leave));
        assert_eq!(shown(), [false, false, true]);
    }
}
