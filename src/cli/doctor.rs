//! `convault doctor`: what works and what to do about what does not.
//!
//! Changes nothing: the archive is opened for reading alone, and the gateway is asked twice.

use std::{fmt::Write as _, path::Path, time::Duration};

use serde_json::{Value, json};

use super::{
    context::Context,
    outcome::{Exit, Failure, code_of, gravest},
    output::{self, human, printable},
};
use crate::{
    api::{ApiError, ApiErrorKind, Gateway, GatewayOptions, RetryPolicy},
    config::{ArchiveArgs, ArchiveSettings, GatewayArgs, GatewaySettings, gateway_identity},
    model::ConversationId,
    monitor::Monitor,
    store::{DatabaseUrl, Store, StoreError},
};

/// The longest that one answer of the gateway is waited for, pauses after 429 included.
const ANSWER_WAIT: Duration = Duration::from_secs(40);
/// `Date` has whole seconds, so less than this says nothing.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);
const DISK_LOW_BYTES: u64 = 1 << 30;
const DISK_FULL_BYTES: u64 = 64 << 20;
/// Older ones can corrupt a WAL under two connections.
const SQLITE_MIN: [u32; 3] = [3, 51, 3];

/// Check token, gateway, database, clock and disk, and say what to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Ends with 0, or with the gravest of the codes that sync would end with.\n\nExample:\n  convault doctor --conversation conv_5d1f9c0a"
)]
pub(super) struct DoctorCommand {
    /// A conversation that the token should be able to read; a made-up one where none is named.
    #[arg(
        long,
        value_name = "ID",
        default_value = "conv_convault_doctor",
        hide_default_value = true
    )]
    conversation: String,
    /// One JSON object in place of lines, when all is checked.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    archive: ArchiveArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Warning,
    Broken(u8),
}

/// One line of the diagnosis.
#[derive(Debug)]
struct Check {
    subject: &'static str,
    verdict: Verdict,
    finding: String,
    advice: Option<String>,
}

impl Check {
    fn fine(subject: &'static str, finding: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Fine, finding)
    }

    fn warning(subject: &'static str, finding: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Warning, finding)
    }

    fn broken(subject: &'static str, code: u8, finding: impl Into<String>) -> Self {
        Self::new(subject, Verdict::Broken(code), finding)
    }

    fn failed(subject: &'static str, failure: &Failure) -> Self {
        let mut check = Self::broken(subject, failure.code, failure.message());
        check.advice.clone_from(&failure.hint);
        check
    }

    fn new(subject: &'static str, verdict: Verdict, finding: impl Into<String>) -> Self {
        Self {
            subject,
            verdict,
            finding: finding.into(),
            advice: None,
        }
    }

    fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warn",
            Verdict::Broken(_) => "fail",
        }
    }

    fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "verdict": self.word(),
            "finding": self.finding,
            "advice": self.advice,
        })
    }

    fn text(&self) -> String {
        let word = self.word();
        let mut text = format!(
            "{word:<5} {:<10} {}\n",
            self.subject,
            printable(&self.finding)
        );
        if let Some(advice) = &self.advice {
            writeln!(text, "{:17}-> {}", "", printable(advice)).expect("a string takes all");
        }
        text
    }
}

/// The checks so far; each is shown as it comes, since some take a while. As JSON they are kept.
#[derive(Debug)]
struct Diagnosis {
    codes: Vec<u8>,
    kept: Option<Vec<Value>>,
}

impl Diagnosis {
    fn add(&mut self, check: &Check) -> Result<(), Failure> {
        if let Verdict::Broken(code) = check.verdict {
            self.codes.push(code);
        }
        match &mut self.kept {
            Some(kept) => kept.push(check.json()),
            None => output::print(&check.text())?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Exit, Failure> {
        let code = gravest(self.codes);
        if let Some(checks) = self.kept {
            output::print_json(&json!({ "exit_code": code, "checks": checks }))?;
        }
        Ok(Exit::Code(code))
    }
}

impl DoctorCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let mut diagnosis = Diagnosis {
            codes: Vec::new(),
            kept: self.json.then(Vec::new),
        };
        match self.gateway.resolve().map_err(Failure::from) {
            Err(failure) => diagnosis.add(&Check::failed("settings", &failure))?,
            Ok(settings) => {
                context.telemetry.redact(settings.token.secret.clone());
                diagnosis.add(&token_check(&settings))?;
                self.ask_gateway(context, &settings, &mut diagnosis).await?;
            }
        }
        match self.archive.resolve().map_err(Failure::from) {
            Err(failure) => diagnosis.add(&Check::failed("settings", &failure))?,
            Ok(settings) => {
                let gateway = self.gateway.base().ok().map(|base| gateway_identity(&base));
                look_at_archive(context, &settings, gateway.as_deref(), &mut diagnosis).await?;
                if let DatabaseUrl::Sqlite(path) = &settings.url {
                    diagnosis.add(&disk_check(path))?;
                }
            }
        }
        diagnosis.finish()
    }

    async fn ask_gateway(
        &self,
        context: &Context,
        settings: &GatewaySettings,
        diagnosis: &mut Diagnosis,
    ) -> Result<(), Failure> {
        let options = GatewayOptions {
            retries_max: 1,
            // What is wrong is to be seen at once, not after minutes.
            retry: RetryPolicy {
                give_up_after: None,
                ..RetryPolicy::default()
            },
            ..settings.options(&context.clock, &Monitor::new())
        };
        let gateway = match Gateway::new(options) {
            Ok(gateway) => gateway,
            Err(error) => return diagnosis.add(&Check::failed("gateway", &error.into())),
        };
        let base = gateway_identity(&settings.base);
        match within_patience(gateway.health()).await {
            None => diagnosis.add(&silent("gateway", &base))?,
            Some(Err(error)) => diagnosis.add(
                &Check::broken("gateway", code_of(error.kind), error.message).advise(format!(
                    "is {base} the right address, and reachable from here?"
                )),
            )?,
            Some(Ok(health)) => {
                let answer = format!("{base} answers: {}", health.value.name);
                diagnosis.add(&Check::fine("gateway", answer))?;
                let now = context.clock.now();
                let date = health.value.server_date.unwrap_or(health.sent_at);
                let skew = now.since(date).max(date.since(now));
                diagnosis.add(&clock_check(skew))?;
            }
        }
        let conversation = ConversationId::new(self.conversation.as_str());
        let check = match within_patience(gateway.messages(&conversation, 0, 1)).await {
            None => silent("access", &base),
            Some(answer) => access_check(answer.map(|_page| ())),
        };
        diagnosis.add(&check)
    }
}

async fn within_patience<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(ANSWER_WAIT, answer).await.ok()
}

fn silent(subject: &'static str, base: &str) -> Check {
    Check::broken(
        subject,
        5,
        format!("no answer from {base} within {}", human(ANSWER_WAIT)),
    )
    .advise("it may be limiting requests (429) or be unreachable; try again later")
}

fn token_check(settings: &GatewaySettings) -> Check {
    let token = &settings.token;
    if token.is_of_session() {
        return Check::warning(
            "token",
            format!("that of {} is a user's session's", token.source),
        )
        .advise("this route takes third-party tokens (api_…)");
    }
    if token.warnings.is_empty() {
        return Check::fine("token", format!("read from {}", token.source));
    }
    Check::warning("token", token.warnings.join("; "))
}

fn clock_check(skew: Duration) -> Check {
    if skew <= CLOCK_SKEW_MAX {
        return Check::fine("clock", "agrees with the gateway's");
    }
    Check::warning(
        "clock",
        format!("this machine's and the gateway's are {} apart", human(skew)),
    )
    .advise("proofs use the gateway's clock and stay right; set this one (NTP) for honest logs")
}

/// What one request with the token says. That the conversation is unknown or forbidden says
/// that the token was accepted.
fn access_check(answer: Result<(), ApiError>) -> Check {
    let Err(error) = answer else {
        return Check::fine("access", "the gateway accepts the token");
    };
    match error.kind {
        ApiErrorKind::Gone | ApiErrorKind::Forbidden => Check::fine(
            "access",
            "the gateway accepts the token (and does not show it the conversation asked for)",
        ),
        ApiErrorKind::Rejected => Check::fine(
            "access",
            "the gateway accepts the token (and did not like the conversation asked for)",
        ),
        ApiErrorKind::Unauthorized => Check::broken("access", 4, error.message)
            .advise("renew the token; it is a third-party one (api_…) of this very environment"),
        kind => Check::broken("access", code_of(kind), error.message),
    }
}

async fn look_at_archive(
    context: &Context,
    settings: &ArchiveSettings,
    gateway: Option<&str>,
    diagnosis: &mut Diagnosis,
) -> Result<(), Failure> {
    if let DatabaseUrl::Sqlite(path) = &settings.url
        && !path.exists()
    {
        return diagnosis.add(&new_archive_check(path));
    }
    let options = settings.store_options("doctor", &context.clock);
    let store = match Store::open_read_only(&options).await {
        Ok(store) => store,
        Err(StoreError::Missing { archive }) => {
            let finding = format!("no archive at {archive} yet; `convault sync` makes it");
            return diagnosis.add(&Check::fine("database", finding));
        }
        Err(error) => {
            return diagnosis.add(&Check::failed(
                "database",
                &without_self_reference(error.into()),
            ));
        }
    };
    let checks = archive_checks(&store, settings, gateway).await;
    store.close().await;
    for check in checks {
        diagnosis.add(&check)?;
    }
    Ok(())
}

/// The usual hint at database trouble is to ask the doctor.
fn without_self_reference(mut failure: Failure) -> Failure {
    failure.hint = Some("check the address, the rights and whether the server runs".to_owned());
    failure
}

async fn archive_checks(
    store: &Store,
    settings: &ArchiveSettings,
    gateway: Option<&str>,
) -> Vec<Check> {
    let mut checks = Vec::new();
    match store.engine_version().await {
        Ok(version) => checks.push(engine_check(&version, &settings.url.to_string())),
        Err(error) => checks.push(Check::failed("database", &error.into())),
    }
    match store.check_integrity().await {
        Ok(problems) if problems.is_empty() => {
            checks.push(Check::fine(
                "integrity",
                "the database finds nothing wrong with itself",
            ));
        }
        Ok(problems) => checks.push(
            Check::broken("integrity", 8, problems.join("; "))
                .advise("keep a copy as it is, restore the last backup, and run `convault sync`"),
        ),
        Err(error) => checks.push(Check::failed("integrity", &error.into())),
    }
    match store.read_gateway().await {
        Ok(bound) => checks.push(binding_check(bound.as_deref(), gateway)),
        Err(error) => checks.push(Check::failed("binding", &error.into())),
    }
    checks
}

fn engine_check(version: &str, url: &str) -> Check {
    let finding = format!("{version}, {url}");
    let Some(numbers) = version.strip_prefix("SQLite ") else {
        return Check::fine("database", finding);
    };
    let numbers: Vec<u32> = numbers
        .split('.')
        .map_while(|part| part.trim().parse().ok())
        .collect();
    if numbers.as_slice() >= SQLITE_MIN.as_slice() {
        Check::fine("database", finding)
    } else {
        Check::warning("database", finding)
            .advise("this SQLite is older than 3.51.3, which mended a rare corruption of its log")
    }
}

fn binding_check(bound: Option<&str>, gateway: Option<&str>) -> Check {
    match (bound, gateway) {
        (None, _) => Check::fine("binding", "the archive belongs to no gateway yet"),
        (Some(bound), Some(gateway)) if bound != gateway => Check::broken(
            "binding",
            2,
            format!("the archive belongs to {bound}, the settings name {gateway}"),
        )
        .advise("use another archive (--db), or `convault rename-gateway OLD NEW` if it moved"),
        (Some(bound), _) => Check::fine("binding", format!("the archive belongs to {bound}")),
    }
}

fn new_archive_check(path: &Path) -> Check {
    let folder = folder_of(path);
    let shown = folder.display();
    match rustix::fs::access(folder, rustix::fs::Access::WRITE_OK) {
        Ok(()) => Check::fine(
            "database",
            format!(
                "{} is not there yet; `convault sync` makes it",
                path.display()
            ),
        ),
        Err(error) => Check::broken(
            "database",
            8,
            format!("{} cannot be made in {shown}: {error}", path.display()),
        )
        .advise("choose a folder that you may write (--db sqlite:PATH)"),
    }
}

fn disk_check(path: &Path) -> Check {
    let folder = folder_of(path);
    let shown = folder.display();
    match rustix::fs::statvfs(folder) {
        Err(error) => Check::warning("disk", format!("looking at {shown}: {error}")),
        Ok(disk) => space_check(
            &folder.display().to_string(),
            disk.f_bavail.saturating_mul(disk.f_frsize),
        ),
    }
}

fn space_check(folder: &str, free_bytes: u64) -> Check {
    let finding = format!("{} MiB free in {folder}", output::grouped(free_bytes >> 20));
    if free_bytes < DISK_FULL_BYTES {
        Check::broken("disk", 8, finding).advise("free some space before the next run")
    } else if free_bytes < DISK_LOW_BYTES {
        Check::warning("disk", finding).advise("a first sync of many conversations may fill it")
    } else {
        Check::fine("disk", finding)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| *parent != Path::new(""))
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: ApiErrorKind) -> Verdict {
        let message = "x".to_owned();
        access_check(Err(ApiError { kind, message })).verdict
    }

    #[test]
    fn a_refused_conversation_shows_that_the_token_was_accepted() {
        assert_eq!(access_check(Ok(())).verdict, Verdict::Fine);
        assert_eq!(answer(ApiErrorKind::Gone), Verdict::Fine);
        assert_eq!(answer(ApiErrorKind::Forbidden), Verdict::Fine);
        assert_eq!(answer(ApiErrorKind::Unauthorized), Verdict::Broken(4));
        assert_eq!(answer(ApiErrorKind::Systemic), Verdict::Broken(2));
        assert_eq!(answer(ApiErrorKind::Timeout), Verdict::Broken(5));
    }

    #[test]
    fn another_gateway_than_the_archive_s_is_code_2() {
        let a = Some("https://a.example");
        let b = Some("https://b.example");
        assert_eq!(binding_check(a, b).verdict, Verdict::Broken(2));
        assert_eq!(binding_check(a, a).verdict, Verdict::Fine);
        assert_eq!(binding_check(None, b).verdict, Verdict::Fine);
        assert_eq!(binding_check(a, None).verdict, Verdict::Fine);
    }

    #[test]
    fn an_old_sqlite_draws_a_warning() {
        assert_eq!(engine_check("SQLite 3.51.2", "x").verdict, Verdict::Warning);
        assert_eq!(engine_check("SQLite 3.51.3", "x").verdict, Verdict::Fine);
        assert_eq!(engine_check("SQLite 3.100.0", "x").verdict, Verdict::Fine);
        assert_eq!(engine_check("PostgreSQL 15.18", "x").verdict, Verdict::Fine);
    }

    #[test]
    fn little_space_is_a_warning_and_none_is_broken() {
        assert_eq!(space_check("x", 10 << 30).verdict, Verdict::Fine);
        assert_eq!(space_check("x", 500 << 20).verdict, Verdict::Warning);
        assert_eq!(space_check("x", 1 << 20).verdict, Verdict::Broken(8));
    }

    #[test]
    fn a_line_says_what_is_wrong_and_what_to_do_and_obeys_nothing() {
        let check = Check::broken("access", 4, "401\u{1b}[2J").advise("renew the token");
        assert_eq!(
            check.text(),
            "fail  access     401[2J\n                 -> renew the token\n"
        );
    }
}
