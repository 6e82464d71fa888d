//! A site in this process, and a browser that does what it is told.

use convault::{
    store::Store,
    viewer::{self, ViewerOptions},
};
use reqwest::{Client, redirect};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::archive::Place;

/// A site over an archive, and a client for it.
pub(super) struct Site {
    pub(super) url: String,
    client: Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<u64>,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: String,
}

impl Site {
    pub(super) async fn over(place: &Place) -> Self {
        let store = Store::open_read_only(&place.options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let options = ViewerOptions {
            archive: "the archive".to_owned(),
            hosts: vec!["chats.example".to_owned()],
            clock: place.options.clock.clone(),
        };
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let stop = async {
                stopped.await.unwrap();
            };
            let served = viewer::serve(listener, store.clone(), options, stop).await;
            store.close().await;
            served.unwrap()
        });
        Self {
            url,
            client: client(),
            stop,
            serving,
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).await
    }

    pub(super) async fn ask(&self, method: &str, path: &str) -> Answer {
        let url = format!("{}{path}", self.url);
        let request = self.client.request(method.parse().unwrap(), url);
        #[expect(
            clippy::disallowed_methods,
            reason = "it is the viewer that is asked, not the gateway"
        )]
        let response = request.send().await.unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }

    /// A page that must be there.
    pub(super) async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    /// Sends bytes as they are and gives the first line of the answer.
    pub(super) async fn raw(&self, bytes: &str) -> String {
        let address = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Ends, and gives how many requests were answered.
    pub(super) async fn end(self) -> u64 {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap()
    }
}

fn client() -> Client {
    // An error says that the process has one already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .unwrap()
}

/// The addresses of the links of a page that lead to this site, as a browser reads them.
pub(super) fn links(page: &str) -> Vec<String> {
    let after = page.split("href=\"").skip(1);
    let found = after.filter_map(|rest| rest.split('"').next());
    found
        .filter(|link| link.starts_with('/'))
        .map(|link| link.replace("&amp;", "&"))
        .collect()
}

/// The link of a page with these words.
pub(super) fn link_named(page: &str, words: &str) -> Option<String> {
    let end = page.find(&format!(">{words}</a>"))?;
    links(&page[..=end]).pop()
}
