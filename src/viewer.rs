//! The viewer: a small read-only site over one archive, for a browser on this machine.
//!
//! Owns the pages and what guards them. Everything is rendered here and there is no script; the
//! style sheet and the icon are in the binary, and no page loads anything from elsewhere. Reads
//! only, and each page reads a bounded number of rows, with places in links in place of page
//! numbers. Nobody is asked who they are: who reaches the address reads the archive, so the
//! listener is a loopback one unless somebody has said otherwise, and requests under a name that
//! is not allowed are refused (a page elsewhere could point a name of its own at this machine).
//!
//! | file | shows |
//! |---|---|
//! | `overview`, `chart` | coverage, what needs attention, volume, the last runs |
//! | `conversations`, `conversation`, `timeline` | the list, and one of them message by message |
//! | `bubble`, `words` | one message; what an edit changed |
//! | `message` | one message with all its versions |
//! | `search` | messages by their words |
//! | `runs`, `failures`, `anomalies` | what was run, what went wrong, what was odd |
//! | `guard`, `query`, `refusal` | which requests are answered, what they say, what else is said |
//! | `layout`, `figures`, `local`, `people` | the frame; numbers, local times, names of senders |

mod anomalies;
mod assets;
mod bubble;
mod chart;
mod conversation;
mod conversations;
mod failures;
mod figures;
mod guard;
mod layout;
mod local;
mod message;
mod overview;
mod people;
mod query;
mod refusal;
mod runs;
mod search;
mod timeline;
mod words;

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Router, middleware, routing::get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    store::{Browsing, Store},
};
use guard::Hosts;
use overview::Volumes;
use refusal::Refusal;

/// How long requests that are under way may take once the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

/// How an archive is shown.
#[derive(Debug, Clone)]
pub struct ViewerOptions {
    /// The name of the archive, as it stands on each page; without a password.
    pub archive: String,
    /// Names (or addresses) of this site besides those of the loopback.
    pub hosts: Vec<String>,
    /// The time of day, for the ages of things.
    pub clock: Clock,
}

/// What every page is made from.
#[derive(Debug)]
struct Site {
    store: Store,
    archive: String,
    hosts: Hosts,
    clock: Clock,
    requests: AtomicU64,
    volumes: Volumes,
}

impl Site {
    /// The archive as it is now: one state for a whole page.
    async fn browse(&self) -> Result<Browsing, Refusal> {
        Ok(self.store.browse().await?)
    }
}

/// Serves an archive until `stop` is done, and gives how many requests were answered. Those that
/// are under way then are finished, for at most five seconds.
///
/// # Errors
/// The listener's address cannot be told, or it accepts no more.
pub async fn serve(
    listener: TcpListener,
    store: Store,
    options: ViewerOptions,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<u64> {
    let address = listener.local_addr()?;
    let site = Arc::new(Site {
        store,
        archive: options.archive,
        hosts: Hosts::new(address.ip(), &options.hosts),
        clock: options.clock,
        requests: AtomicU64::new(0),
        volumes: Volumes::default(),
    });
    let stopped = CancellationToken::new();
    let (asked, over) = (stopped.clone(), stopped.clone());
    let waiting = tokio::spawn(async move {
        stop.await;
        asked.cancel();
    });
    let serving = axum::serve(listener, routes(&site))
        .with_graceful_shutdown(async move { over.cancelled().await });
    let result = tokio::select! {
        result = async { serving.await } => result,
        () = async {
            stopped.cancelled().await;
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    };
    waiting.abort();
    result?;
    Ok(site.requests.load(Ordering::Relaxed))
}

fn routes(site: &Arc<Site>) -> Router {
    Router::new()
        .route("/", get(overview::show))
        .route("/conversations", get(conversations::show))
        .route("/conversation", get(conversation::show))
        .route("/message", get(message::show))
        .route("/search", get(search::show))
        .route("/runs", get(runs::list))
        .route("/run", get(runs::show))
        .route("/failures", get(failures::show))
        .route("/anomalies", get(anomalies::show))
        .route(assets::STYLE, get(assets::style))
        .route(assets::ICON, get(assets::icon))
        .fallback(refusal::no_such_page)
        .layer(middleware::from_fn_with_state(site.clone(), guard::guard))
        .with_state(site.clone())
}
