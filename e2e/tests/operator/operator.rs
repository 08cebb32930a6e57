//! An operator in this process.

use std::time::Duration;

use anabranch_operator::{Options, PullPolicy, RunError, WebhookOptions};
use anabranch_telemetry::Build;
use kube::client::ClientBuilder;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cut::Cut;
use crate::rig::Rig;
use crate::site::{PATIENCE, Site, until};

/// For so long nothing happens when all is done: longer than changes to a fleet gather.
const QUIET: Duration = Duration::from_millis(1600);

/// See the module. Dies when dropped.
pub struct Operator {
    /// What it does.
    pub cut: Cut,
    stop: CancellationToken,
    running: JoinHandle<Result<(), RunError>>,
}

impl Operator {
    /// Starts one that looks at the namespace of the site only.
    pub fn start(rig: &Rig, site: &Site, cut: Cut) -> Self {
        Self::launch(rig, site, cut, options(site, Some(site.namespace.clone())), false)
    }

    /// The same, but started again, as in a pod, whenever it could not renew its lease: machines may be busy otherwise.
    pub fn kept(rig: &Rig, site: &Site) -> Self {
        Self::launch(rig, site, Cut::never(), options(site, Some(site.namespace.clone())), true)
    }

    /// Starts one that looks at all namespaces.
    pub fn everywhere(rig: &Rig, site: &Site) -> Self {
        Self::with(rig, site, |options| options.watch_namespace = None)
    }

    /// Starts one that is set up otherwise than usual.
    pub fn with(rig: &Rig, site: &Site, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = options(site, Some(site.namespace.clone()));
        change(&mut options);
        Self::launch(rig, site, Cut::never(), options, false)
    }

    fn launch(rig: &Rig, site: &Site, cut: Cut, options: Options, kept: bool) -> Self {
        let client = ClientBuilder::try_from(rig.config.clone()).unwrap().with_layer(&cut).build();
        let (stop, dial) = (CancellationToken::new(), site.dial(&cut));
        let stopped = stop.clone();
        let running = async move {
            loop {
                let (client, dial, options) = (client.clone(), dial.clone(), options.clone());
                let build = Build::of("0.0.0", None);
                let ended = anabranch_operator::run(client, dial, options, build, stopped.child_token()).await;
                if !kept || !matches!(ended, Err(RunError::LeaseLost)) {
                    return ended;
                }
            }
        };
        Self { cut, stop, running: rig.runtime.spawn(running) }
    }

    /// Waits until it does nothing any more.
    pub async fn quiet(&self) {
        until(
            "the operator has nothing to do",
            async || {
                if self.cut.idle() >= QUIET { Ok(()) } else { Err("it works") }
            },
        )
        .await;
    }

    /// Waits until it has died, or has looked at everything in a site and does nothing any more.
    pub async fn dead_or_quiet(&self, site: &Site) {
        until("the operator is dead, or has nothing to do", async || match self.cut.is_dead() {
            true => Ok(()),
            false if self.cut.idle() < QUIET => Err("it works".to_owned()),
            false => site.late().await.map_or(Ok(()), Err),
        })
        .await;
    }

    /// Lets it die at whatever it does.
    pub async fn kill(mut self) {
        self.running.abort();
        // It was aborted, or has ended.
        drop((&mut self.running).await);
    }

    /// Stops it.
    pub async fn stop(mut self) {
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, &mut self.running).await.unwrap().unwrap().unwrap();
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> Result<(), RunError> {
        tokio::time::timeout(PATIENCE, &mut self.running).await.unwrap().unwrap()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.running.abort();
    }
}

fn options(site: &Site, watch_namespace: Option<String>) -> Options {
    Options {
        namespace: site.namespace.clone(),
        // The same one after its death: it need not wait for its own lease.
        identity: Some("operator".to_owned()),
        watch_namespace,
        router_image: "router:test".to_owned(),
        store_image: "store:test".to_owned(),
        namespace_image: "namespace:test".to_owned(),
        image_pull_policy: PullPolicy::IfNotPresent,
        // Nothing may depend on it.
        resync: 3600,
        http: ([127, 0, 0, 1], 0).into(),
        webhook: WebhookOptions {
            address: None,
            service: String::new(),
            configuration: String::new(),
            secret: String::new(),
            cert_seconds: 3600,
            cert_dir: None,
        },
    }
}
