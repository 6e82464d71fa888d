//! `convault plan`: how many requests `sync` would take for the same list, and how long.
//!
//! Owns the way from arguments to a [`Plan`]; what it is worth in time and how it is shown is in
//! [`shown`]. Opens the archive for reading alone, if there is one, and writes nothing.

mod shown;

use std::collections::HashSet;

use super::{
    context::Context,
    outcome::{Exit, Failure, code_of},
    output,
    progress::Progress,
    sync::{ArchivingArgs, InputArgs, abort, nothing_known, tell_input},
};
use crate::{
    api::Gateway,
    config::gateway_identity,
    model::{ConversationId, RunId, RunOutcome},
    monitor::Monitor,
    store::{Size, Store, StoreError},
    sync::{
        Input, Shutdown,
        plan::{List, Plan, PlanOptions, Planner, Probe, ProbeError, Probed, Unsized, survey},
    },
};
use shown::{Probes, Shown};

/// Say how many requests a sync would take and how long, without one being made.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Takes the list and the options of sync, so that a line can be planned by changing the word. Writes
nothing, not even a report; an archive that another run holds can be planned too. Without --probe
nothing is asked of the gateway, and the length of a conversation that was never read is not known.

Examples:
  convault plan --ids-from ids.txt
  convault plan --ids-from ids.txt --probe --rate 100/30m
  convault plan --full --max-duration 50m --json | jq .requests")]
pub(super) struct PlanCommand {
    #[command(flatten)]
    input: InputArgs,

    /// Ask for the length of each conversation that is new or not finished: one request each.
    #[arg(long, help_heading = "Plan")]
    probe: bool,

    /// One JSON object in place of tables.
    #[arg(long, help_heading = "Plan")]
    json: bool,

    #[command(flatten)]
    settings: ArchivingArgs,
}

impl PlanCommand {
    pub(super) async fn run(&self, context: &Context) -> Result<Exit, Failure> {
        let input = self.input.read()?;
        let rate = self.settings.gateway.rate()?;
        let monitor = Monitor::new();
        let probe = if self.probe {
            Some(self.probe(context, &monitor)?)
        } else {
            None
        };
        tell_input(&input);
        let archive = self.settings.archive.resolve()?;
        let options = archive.store_options("plan", &context.clock);
        let store = match Store::open_read_only(&options).await {
            Ok(store) => Some(store),
            Err(StoreError::Missing { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let progress = probe.as_ref().map(|_| Progress::start(context, &monitor));
        let planned = self.plan(store.as_ref(), input, probe.as_ref()).await;
        if let Some(progress) = progress {
            progress.finish().await;
        }
        if let Some(store) = &store {
            store.close().await;
        }
        let (plan, probes, sizes) = planned?;
        let shown = Shown {
            likely: plan.likely(&sizes),
            plan: &plan,
            probes,
            rate,
            page_size: self.settings.run.page_size,
            audit_share: self.settings.run.audit_share,
            max_requests: self.settings.gateway.max_requests,
            max_duration: self.settings.run.max_duration,
            missing: store.is_none().then(|| options.url.to_string()),
        };
        if self.json {
            output::print_json(&shown.as_json())?;
        } else {
            output::print(&shown.as_text())?;
        }
        Ok(Exit::Done)
    }

    /// Who asks the gateway. The budget of requests is the planned run's, not this one's.
    fn probe(&self, context: &Context, monitor: &Monitor) -> Result<Probe, Failure> {
        let mut settings = self.settings.gateway.resolve()?;
        context.telemetry.redact(settings.token.secret.clone());
        for warning in &settings.token.warnings {
            tracing::warn!("{warning}");
        }
        settings.max_requests = None;
        let shutdown = Shutdown::on_signals(abort)
            .map_err(|error| Failure::unexpected(format!("listening to signals: {error}")))?;
        Ok(Probe {
            gateway: Gateway::new(settings.options(&context.clock, monitor))?,
            concurrency: settings.concurrency as usize,
            shutdown,
            monitor: monitor.clone(),
        })
    }

    async fn plan(
        &self,
        store: Option<&Store>,
        input: Input,
        probe: Option<&Probe>,
    ) -> Result<(Plan, Option<Probes>, Vec<Size>), Failure> {
        if let (Some(store), Some(base)) = (store, self.settings.gateway.base_if_named()?) {
            store.check_gateway(&gateway_identity(&base)).await?;
        }
        let mut planner = Planner::new(PlanOptions {
            page_size: self.settings.run.page_size,
            full: self.settings.run.full,
            audit_share: self.settings.run.audit_share,
            run: next_run(store).await?,
        });
        let all_known = input.all_known;
        let may_be_empty = input.may_be_empty;
        let ids = self.listed(store, input, probe, &mut planner).await?;
        let list = if all_known {
            List::AllKnown
        } else {
            List::Ids(&ids)
        };
        let aside = survey(store, list, &mut planner, probe.is_some()).await?;
        let probes = match probe {
            Some(probe) => Some(ask(probe, &aside, &mut planner).await?),
            None => None,
        };
        let plan = planner.finish();
        if all_known && !may_be_empty && plan.conversations == 0 {
            return Err(nothing_known());
        }
        let sizes = match store {
            Some(store) if plan.unsized_conversations > 0 => store.read_sizes().await?,
            _ => Vec::new(),
        };
        Ok((plan, probes, sizes))
    }

    /// The ids of the list and those of its phone numbers: looked up with a probe, else as far
    /// as earlier runs have looked them up.
    async fn listed(
        &self,
        store: Option<&Store>,
        input: Input,
        probe: Option<&Probe>,
        planner: &mut Planner,
    ) -> Result<Vec<ConversationId>, Failure> {
        let mut ids = input.ids.to_vec();
        let phones = input.phones;
        if phones.is_empty() {
            return Ok(ids);
        }
        let (linked, unknown) = match (probe, store) {
            (Some(probe), _) => {
                let organization_id = self.settings.gateway.organization_id.as_deref();
                let found = probe.discover(&phones, organization_id.unwrap_or_default());
                (found.await.map_err(failure_of)?, 0)
            }
            (None, Some(store)) => store.read_linked(&phones).await?,
            (None, None) => (Vec::new(), phones.len() as u64),
        };
        planner.add_phones(phones.len() as u64, unknown);
        let mut met: HashSet<ConversationId> = ids.iter().cloned().collect();
        ids.extend(linked.into_iter().filter(|id| met.insert(id.clone())));
        Ok(ids)
    }
}

/// Asks for the lengths that matter, and adds what they say.
async fn ask(probe: &Probe, aside: &[Unsized], planner: &mut Planner) -> Result<Probes, Failure> {
    let ids: Vec<&ConversationId> = aside.iter().map(|one| &one.id).collect();
    let found = probe.sizes(&ids).await.map_err(failure_of)?;
    for (one, probed) in aside.iter().zip(&found) {
        one.settle(planner, *probed);
    }
    Ok(Probes {
        asked: found.len() as u64,
        untold: found.iter().filter(|one| **one == Probed::Nothing).count() as u64,
    })
}

/// The number that the next run will have.
async fn next_run(store: Option<&Store>) -> Result<RunId, Failure> {
    let Some(store) = store else {
        return Ok(RunId(1));
    };
    let last = store.read_status().await?.runs.into_iter().next();
    Ok(RunId(last.map_or(0, |run| run.id.0) + 1))
}

fn failure_of(error: ProbeError) -> Failure {
    match error {
        ProbeError::Stopped(reason) => Failure::new(RunOutcome::Stopped(reason).exit_code(), error),
        ProbeError::Api(error) => {
            let hint = match code_of(error.kind) {
                4 => "renew the token; without --probe the archive alone is planned from",
                _ => {
                    "`convault doctor` looks why; without --probe the archive alone is planned from"
                }
            };
            Failure::from(error).with_hint(hint)
        }
    }
}
