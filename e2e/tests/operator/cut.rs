//! What an operator does to the outside, counted; and its death at a given request.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anabranch_store::{
    Answer, Reader, Record, Records, Refusal, Revision, Snapshot, StateStore, StoreError, Version, Watch, Write, Writer,
};
use http::{Method, Request, Response};
use kube::client::Body;
use parking_lot::Mutex;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

/// See the module. Clones count together.
///
/// After its death every request fails.
#[derive(Clone)]
pub struct Cut {
    inner: Arc<Mutex<Inner>>,
    held: watch::Sender<bool>,
}

struct Inner {
    death: Option<Death>,
    dead: bool,
    requests: usize,
    writes: Vec<String>,
    waiting: usize,
    in_flight: usize,
    last: Instant,
}

/// A request that goes on as long as this is there.
struct InFlight(Arc<Mutex<Inner>>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.in_flight -= 1;
        inner.last = Instant::now();
    }
}

/// Where an operator dies. Numbers are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// At this write, and whether it is carried out.
    Write(usize, bool),
    /// At this one of all requests, which is not carried out. Of one that reads, that makes no difference.
    Request(usize),
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// It is carried out, and nobody hears of it.
    Last,
    Fails,
}

impl Cut {
    /// Dies never.
    pub fn never() -> Self {
        let (death, dead, requests, writes, waiting, in_flight) = Default::default();
        let inner = Inner { death, dead, requests, writes, waiting, in_flight, last: Instant::now() };
        Self { inner: Arc::new(Mutex::new(inner)), held: watch::Sender::new(false) }
    }

    /// Counts anew from here on, and dies there.
    pub fn arm(&self, death: Death) {
        let mut inner = self.inner.lock();
        inner.writes.clear();
        (inner.requests, inner.death) = (0, Some(death));
    }

    /// Holds what is written to stores from here on up, or lets it go on.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// How many writes were held up.
    pub fn waiting(&self) -> usize {
        self.inner.lock().waiting
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.inner.lock().dead
    }

    /// What was written since the last time that this was asked.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.lock().writes)
    }

    /// How many requests there were since the last time that this was asked.
    pub fn take_requests(&self) -> usize {
        std::mem::take(&mut self.inner.lock().requests)
    }

    /// For how long nothing was asked for or written.
    pub fn idle(&self) -> Duration {
        let inner = self.inner.lock();
        if inner.in_flight > 0 { Duration::ZERO } else { inner.last.elapsed() }
    }

    fn begin(&self) -> InFlight {
        self.inner.lock().in_flight += 1;
        InFlight(self.inner.clone())
    }

    fn write(&self, what: String) -> Fate {
        let mut inner = self.inner.lock();
        let number = inner.writes.len();
        if !inner.dead {
            inner.writes.push(what);
        }
        match inner.death {
            Some(Death::Write(at, carried_out)) if at == number && !inner.dead => {
                (inner.dead, inner.last) = (true, Instant::now());
                if carried_out { Fate::Last } else { Fate::Fails }
            }
            _ => inner.pass(),
        }
    }

    fn request(&self, method: &Method, path: &str) -> Fate {
        if method == Method::GET { self.inner.lock().pass() } else { self.write(format!("{method} {path}")) }
    }

    /// The store, as the operator sees it.
    pub fn store(&self, store: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
        Arc::new(CutStore { store, cut: self.clone() })
    }
}

impl Inner {
    /// One more request.
    fn pass(&mut self) -> Fate {
        self.last = Instant::now();
        self.dead |= self.death == Some(Death::Request(self.requests));
        self.requests += 1;
        if self.dead { Fate::Fails } else { Fate::Passes }
    }
}

impl<S> Layer<S> for Cut {
    type Service = CutService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CutService { inner, cut: self.clone() }
    }
}

/// An API server, as the operator sees it.
pub struct CutService<S> {
    inner: S,
    cut: Cut,
}

impl<S, B> Service<Request<Body>> for CutService<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let background = path.contains("/leases") || path.ends_with("/events") || query.contains("watch=true");
        let fate = match background {
            true if self.cut.is_dead() => Fate::Fails,
            true => Fate::Passes,
            false => self.cut.request(request.method(), path),
        };
        let in_flight = (!background).then(|| self.cut.begin());
        if fate == Fate::Fails {
            return Box::pin(async { Err(BoxError::from("the operator is dead")) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            drop(in_flight);
            if fate == Fate::Last { Err(BoxError::from("the operator is dead")) } else { Ok(answer) }
        })
    }
}

struct CutStore {
    store: Arc<dyn StateStore>,
    cut: Cut,
}

impl<R: Record> Reader<R> for CutStore
where
    dyn StateStore: Records<R>,
{
    fn list(&self) -> Answer<'_, Snapshot<R>> {
        Reader::<R>::list(&*self.store)
    }

    fn watch(&self, from: Option<Revision>) -> Box<dyn Watch<R>> {
        Reader::<R>::watch(&*self.store, from)
    }
}

impl<R: Record> Writer<R> for CutStore
where
    dyn StateStore: Records<R>,
{
    fn write(&self, changes: Vec<Write<R>>) -> Answer<'_, Vec<Result<Version, Refusal>>> {
        let keys: Vec<&str> = changes.iter().map(Write::key).collect();
        let fate = self.cut.write(format!("store {} {}", R::KIND, keys.join(" ")));
        if fate == Fate::Fails {
            return Box::pin(async { Err(StoreError::NotDone("the operator is dead".to_owned())) });
        }
        let mut held = self.cut.held.subscribe();
        self.cut.inner.lock().waiting += usize::from(*held.borrow());
        let in_flight = self.cut.begin();
        Box::pin(async move {
            // The sender is where this is.
            drop(held.wait_for(|held| !held).await);
            let answer = Writer::<R>::write(&*self.store, changes).await?;
            drop(in_flight);
            if fate == Fate::Last { Err(StoreError::Unknown("the operator is dead".to_owned())) } else { Ok(answer) }
        })
    }
}
