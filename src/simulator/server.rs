//! The gateway on a socket of loopback, and the handle that tests and `convault demo` hold.
//!
//! The HTTP is written by hand (GET, keep-alive), because a reset in mid-body or a wrong length
//! is what an HTTP library exists to prevent.

mod connection;

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{
    Answer, CorpusOptions, DEMO_TOKEN, Faults, LinksShape, Mutation, Mutations, Planned, RateLimit,
    RequestRecord, SimulatorStats, gateway::Gateway,
};
use crate::{clock::Clock, model::Timestamp};

/// How to set up a simulator. The default is what `convault demo` shows.
#[derive(Debug, Clone)]
pub struct SimulatorOptions {
    /// The conversations.
    pub corpus: CorpusOptions,
    /// What goes wrong.
    pub faults: Faults,
    /// What changes while it is read.
    pub mutations: Mutations,
    /// The gateway's own rate limit.
    pub rate_limit: Option<RateLimit>,
    /// The port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// The token that is let in.
    pub token: String,
    /// The gateway's clock: its `Date`, and the time of what arrives.
    pub clock: Clock,
    /// How far the gateway's clock is ahead, in milliseconds.
    pub clock_skew_ms: i64,
    /// How much later it is at each further request of a conversation. With a manual clock this
    /// makes times, too, a function of (conversation, n-th request).
    pub tick: Duration,
    /// Whether bodies are compressed for clients that accept it.
    pub gzip: bool,
    /// The shape of the links route.
    pub links_shape: LinksShape,
    /// Whether the links route answers 404 if it finds nothing at all.
    pub links_not_found: bool,
    /// Conversations, of the corpus or not, that are answered in another way.
    pub answers: Vec<(String, Answer)>,
    /// Whether requests are kept for [`Simulator::records`], and rows for
    /// [`Simulator::was_served`].
    pub record: bool,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            corpus: CorpusOptions::default(),
            faults: Faults {
                latency: Duration::from_millis(15),
                jitter: Duration::from_millis(10),
                ..Faults::default()
            },
            mutations: Mutations::default(),
            rate_limit: None,
            port: 0,
            token: DEMO_TOKEN.to_owned(),
            clock: Clock::system(),
            clock_skew_ms: 0,
            tick: Duration::ZERO,
            gzip: true,
            links_shape: LinksShape::Array,
            links_not_found: false,
            answers: Vec::new(),
            record: false,
        }
    }
}

/// A message as it is listed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `_id` without quotes; empty where it is null.
    pub id: String,
    /// `created_at`, also where the JSON hides it.
    pub created_at: Timestamp,
    /// The JSON as it is sent.
    pub raw: String,
}

/// The id is of no conversation of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the simulator has no conversation {0}")]
pub struct UnknownConversation(pub String);

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    gateway: Arc<Gateway>,
    address: SocketAddr,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Binds the port and serves on the current runtime.
    ///
    /// # Errors
    /// What binding the port gives, such as that it is taken.
    pub async fn start(options: SimulatorOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        let gateway = Arc::new(Gateway::new(options));
        let stop = CancellationToken::new();
        let serving = connection::serve(listener, gateway.clone(), stop.clone());
        Ok(Self {
            gateway,
            address,
            stop,
            serving: Some(tokio::spawn(serving)),
        })
    }

    /// `http://127.0.0.1:PORT`
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The ids of all conversations.
    pub fn conversation_ids(&self) -> Vec<String> {
        let indices = 0..self.conversation_count();
        indices
            .map(|index| self.gateway.corpus.conversation_id(index))
            .collect()
    }

    /// The phone numbers of all contacts, without repetition.
    pub fn phone_numbers(&self) -> Vec<String> {
        let mut phones: Vec<String> = (0..self.conversation_count())
            .map(|index| self.gateway.corpus.phone_number(index))
            .collect();
        // The conversations of a contact are neighbours.
        phones.dedup();
        phones
    }

    /// The organisation that the token belongs to.
    pub fn organization_id(&self) -> &str {
        self.gateway.corpus.organization_id()
    }

    /// The token that is let in.
    pub fn token(&self) -> String {
        self.gateway.live().token.clone()
    }

    /// How many messages are listed now, in all conversations.
    pub fn message_count(&self) -> u64 {
        let indices = 0..self.conversation_count();
        indices
            .map(|index| {
                self.gateway
                    .with_conversation(index, |conversation| conversation.len() as u64)
            })
            .sum()
    }

    /// What was asked so far.
    pub fn stats(&self) -> SimulatorStats {
        self.gateway.stats()
    }

    /// The requests in the order answered, if [`SimulatorOptions::record`] was set.
    pub fn records(&self) -> Vec<RequestRecord> {
        self.gateway.records()
    }

    /// How many requests were answered for a conversation (rate limiting apart).
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn requests_of(&self, id: &str) -> Result<u64, UnknownConversation> {
        Ok(self.gateway.requests_of(self.index(id)?))
    }

    /// Changes a conversation now; gives how many messages were touched.
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn mutate(&self, id: &str, mutation: &Mutation) -> Result<usize, UnknownConversation> {
        let index = self.index(id)?;
        Ok(self.gateway.with_conversation(index, |conversation| {
            let now_ms = self.gateway.now_ms(conversation.request());
            mutation.apply(conversation, now_ms)
        }))
    }

    /// What a conversation holds now, newest first.
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn contents(&self, id: &str) -> Result<Vec<Listed>, UnknownConversation> {
        let index = self.index(id)?;
        let oddities = self.gateway.live().faults.row_oddities();
        Ok(self.gateway.with_conversation(index, |conversation| {
            let entries = conversation.entries(0, usize::MAX);
            let listed = entries.into_iter().map(|entry| {
                let mut raw = Vec::new();
                conversation.write(&mut raw, entry, &oddities);
                Listed {
                    id: conversation.id_text(entry, &oddities),
                    created_at: Timestamp::from_millis(conversation.created_ms(entry)),
                    raw: String::from_utf8(raw).expect("it is written from text"),
                }
            });
            listed.collect()
        }))
    }

    /// Plans changes of a conversation, after those that are planned already.
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn plan(&self, id: &str, planned: Vec<Planned>) -> Result<(), UnknownConversation> {
        let index = self.index(id)?;
        self.gateway.with_conversation(index, |conversation| {
            let requests = conversation.request();
            conversation.planned().extend(requests, planned);
        });
        Ok(())
    }

    /// Makes every change now that is planned and has not yet struck.
    pub fn finish_plans(&self) {
        for index in 0..self.conversation_count() {
            self.gateway.with_conversation(index, |conversation| {
                Mutations::keep_plan(conversation, u64::MAX);
            });
        }
    }

    /// The ids of the messages that were deleted at some time, whether or not they came back.
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn ever_deleted(&self, id: &str) -> Result<Vec<String>, UnknownConversation> {
        let index = self.index(id)?;
        let oddities = self.gateway.live().faults.row_oddities();
        Ok(self.gateway.with_conversation(index, |conversation| {
            let entries = conversation.ever_deleted().into_iter();
            entries
                .map(|entry| conversation.id_text(entry, &oddities))
                .collect()
        }))
    }

    /// Whether a row of a conversation was sent in just these bytes, if
    /// [`SimulatorOptions::record`] was set; how the answer fared on its way does not matter.
    ///
    /// # Errors
    /// [`UnknownConversation`]
    pub fn was_served(&self, id: &str, raw: &str) -> Result<bool, UnknownConversation> {
        let index = self.index(id)?;
        Ok(self.gateway.with_conversation(index, |conversation| {
            conversation.was_served(raw.as_bytes())
        }))
    }

    /// Does something once, when the n-th request from now (counted from 1) has its answer and
    /// before that is sent, in place of what was to be done before.
    pub fn at_request(&self, n: u64, act: impl FnOnce() + Send + 'static) {
        self.gateway.set_alarm(n, Some(Box::new(act)));
    }

    /// Nothing is done any more at any request.
    pub fn at_no_request(&self) {
        self.gateway.set_alarm(0, None);
    }

    /// From now on this goes wrong.
    pub fn set_faults(&self, faults: Faults) {
        self.gateway.live().faults = Arc::new(faults);
    }

    /// From now on this changes while it is read.
    pub fn set_mutations(&self, mutations: Mutations) {
        self.gateway.live().mutations = Arc::new(mutations);
    }

    /// From now on this token is let in.
    pub fn set_token(&self, token: &str) {
        token.clone_into(&mut self.gateway.live().token);
    }

    /// From now on a conversation is answered in this way; `None`: with its messages again.
    pub fn set_answer(&self, id: &str, answer: Option<Answer>) {
        let mut live = self.gateway.live();
        match answer {
            Some(answer) => live.answers.insert(id.to_owned(), answer),
            None => live.answers.remove(id),
        };
    }

    /// Stops serving: the port is free and all connections are closed afterwards.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            // It ends in no other way than by the token, or with the runtime.
            let _ = serving.await;
        }
    }

    fn conversation_count(&self) -> u32 {
        u32::try_from(self.gateway.corpus.sizes().len()).expect("it was made from a u32")
    }

    fn index(&self, id: &str) -> Result<u32, UnknownConversation> {
        let index = self.gateway.corpus.conversation_of_id(id);
        index.ok_or_else(|| UnknownConversation(id.to_owned()))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
