//! What an operator does to the outside, counted; and its death at a given write.

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
use tower::{BoxError, Layer, Service};

/// See the module. Clones count together.
///
/// Only writes are counted: what a process that dies leaves behind is what it wrote until then, whichever requests it read
/// with in between. After its death every request fails.
#[derive(Clone)]
pub struct Cut(Arc<Mutex<Inner>>);

struct Inner {
    /// Dies at the write of this number, counted from 0.
    at: Option<usize>,
    /// Whether that write is carried out.
    carried_out: bool,
    dead: bool,
    writes: Vec<String>,
    last: Instant,
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
        let (at, carried_out, dead, writes, last) = (None, false, false, Vec::new(), Instant::now());
        Self(Arc::new(Mutex::new(Inner { at, carried_out, dead, writes, last })))
    }

    /// Counts anew from here on, and dies at the write of this number.
    pub fn arm(&self, at: usize, carried_out: bool) {
        let mut inner = self.0.lock();
        inner.writes.clear();
        (inner.at, inner.carried_out) = (Some(at), carried_out);
    }

    /// Whether it has died.
    pub fn is_dead(&self) -> bool {
        self.0.lock().dead
    }

    /// What was written since the last time that this was asked.
    pub fn take_writes(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().writes)
    }

    /// For how long nothing was asked for or written.
    pub fn idle(&self) -> Duration {
        self.0.lock().last.elapsed()
    }

    fn write(&self, what: String) -> Fate {
        let mut inner = self.0.lock();
        inner.last = Instant::now();
        if inner.dead {
            return Fate::Fails;
        }
        let number = inner.writes.len();
        inner.writes.push(what);
        if inner.at != Some(number) {
            return Fate::Passes;
        }
        inner.dead = true;
        if inner.carried_out { Fate::Last } else { Fate::Fails }
    }

    fn read(&self, counts: bool) -> Fate {
        let mut inner = self.0.lock();
        if counts {
            inner.last = Instant::now();
        }
        if inner.dead { Fate::Fails } else { Fate::Passes }
    }

    fn request(&self, method: &Method, uri: &http::Uri) -> Fate {
        let (path, query) = (uri.path(), uri.query().unwrap_or_default());
        let background = path.contains("/leases") || path.ends_with("/events") || query.contains("watch=true");
        if background || method == Method::GET {
            return self.read(!background);
        }
        self.write(format!("{method} {path}"))
    }

    /// The store, as the operator sees it.
    pub fn store(&self, store: Arc<dyn StateStore>) -> Arc<dyn StateStore> {
        Arc::new(CutStore { store, cut: self.clone() })
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
        let fate = self.cut.request(request.method(), request.uri());
        if fate == Fate::Fails {
            return Box::pin(async { Err(BoxError::from("the operator is dead")) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await?;
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
        let answer = Writer::<R>::write(&*self.store, changes);
        Box::pin(async move {
            let answer = answer.await?;
            if fate == Fate::Last { Err(StoreError::Unknown("the operator is dead".to_owned())) } else { Ok(answer) }
        })
    }
}
