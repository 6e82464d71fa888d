//! Test support: the real program under `strace`, which lists its system calls, stops it after
//! one of them, or lets some of them fail.
//!
//! strace counts the calls of each name for each thread by itself (`when=`), so a call is named
//! by its number in its thread and by how many threads have made as many by then. A machine
//! without strace, or one that forbids ptrace, fails these tests; they are never skipped.

use std::{
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::Instant,
};

use crate::program::{Ended, ended};

/// What changes a file or a folder. `openat` and `write` are among them where they do.
pub(crate) const WRITING: [&str; 16] = [
    "openat",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
];

/// A program that ends by itself in under a second has this long on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A call that a program made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    thread: u32,
    pub(crate) name: String,
    /// The line of the log, arguments and result included, files by their paths.
    pub(crate) text: String,
}

impl Made {
    /// The file whose open handle the call got.
    pub(crate) fn file(&self) -> Option<&str> {
        let (_, arguments) = self.text.split_once('(')?;
        let (handle, rest) = arguments.split_once('<')?;
        let is_handle = handle.bytes().all(|byte| byte.is_ascii_digit());
        rest.split_once('>')
            .map(|(file, _)| file)
            .filter(|_| is_handle)
    }
}

/// A call of a run to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    /// Its number among the calls of this name in its thread, from 1.
    pub(crate) nth: usize,
    /// How many threads will have made so many, this one included.
    pub(crate) threads: usize,
}

/// A program under strace.
#[derive(Debug)]
pub(crate) struct Traced {
    strace: Child,
    log: PathBuf,
}

impl Traced {
    /// Starts `command` under strace, which lists the calls of these names in the file `log` and
    /// obeys further expressions such as `inject=fsync:error=EIO:when=2`. Calls that concern none
    /// of `paths` are neither listed nor counted, where there are any.
    pub(crate) fn spawn(
        command: &Command,
        log: &Path,
        names: &[&str],
        paths: &[String],
        expressions: &[String],
    ) -> Self {
        // The log of an earlier run is not this one's.
        let _ = std::fs::remove_file(log);
        let traced = command.as_std();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-s", "0", "-o"]).arg(log);
        // The first line tells the program's process.
        strace.args(["-e", &format!("trace=execve,{}", names.join(","))]);
        for path in paths {
            strace.args(["-P", path]);
        }
        for expression in expressions {
            strace.args(["-e", expression]);
        }
        strace.arg("--").arg(traced.get_program());
        strace.args(traced.get_args()).env_clear();
        let environment = traced.get_envs();
        strace.envs(environment.filter_map(|(name, value)| Some((name, value?))));
        strace.current_dir(traced.get_current_dir().expect("the folder of the stage"));
        strace
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Self {
            strace: strace.spawn().expect("strace was started before"),
            log: log.to_owned(),
        }
    }

    /// Waits for the end of the program, with which strace ends in the same way.
    pub(crate) async fn ended(self) -> (Ended, Vec<Made>) {
        let ended = tokio::time::timeout(PATIENCE, ended(self.strace));
        let ended = ended.await.expect("the program did not end");
        (ended, calls(&std::fs::read_to_string(&self.log).unwrap()))
    }

    /// Kills the program as soon as strace has stopped it for the so-manieth time. `false`: it
    /// ended before.
    pub(crate) async fn kill_at_stop(mut self, stop: usize) -> bool {
        let mut gone_on = 0;
        let deadline = Instant::now() + PATIENCE;
        while self.strace.try_wait().unwrap().is_none() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(Instant::now() < deadline, "no stop and no end: {log}");
            let stopped = stops(&log);
            if stopped.len() >= stop {
                self.kill(program_of(&log)).await;
                return true;
            }
            // A signal to go on that comes before the stop itself would be of no effect.
            if stopped.len() > gone_on && stopped[gone_on] {
                gone_on += 1;
                kill_process(program_of(&log), Signal::CONT).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        false
    }

    /// Waits until strace has killed the program at a call. `false`: it ended by itself.
    pub(crate) async fn killed(mut self) -> bool {
        let waited = tokio::time::timeout(PATIENCE, self.strace.wait()).await;
        let status = waited.expect("the program did not end").unwrap();
        status.signal() == Some(Signal::KILL.as_raw())
    }

    /// strace may miss the end of a program that stood still, so it is killed as well; what is
    /// left of the program then ends by itself, and its lock with it.
    async fn kill(mut self, program: Pid) {
        kill_process(program, Signal::KILL).unwrap();
        self.strace.kill().await.unwrap();
        let threads = format!("/proc/{}/task", program.as_raw_nonzero());
        let deadline = Instant::now() + PATIENCE;
        // One that nobody has waited for keeps its first thread, which holds nothing.
        while std::fs::read_dir(&threads).is_ok_and(|threads| threads.count() > 1) {
            assert!(Instant::now() < deadline, "{program:?} outlives its kill");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn program_of(log: &str) -> Pid {
    let number = log.split_whitespace().next().expect("the line of execve");
    Pid::from_raw(number.parse().unwrap()).unwrap()
}

/// For each stop so far, whether its thread stands by now.
fn stops(log: &str) -> Vec<bool> {
    let mut found: Vec<(&str, bool)> = Vec::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        if rest.starts_with("--- SIGSTOP {") {
            found.push((thread, false));
        } else if rest.starts_with("--- stopped by SIGSTOP")
            && let Some(last) = found.last_mut()
            && last.0 == thread
        {
            last.1 = true;
        }
    }
    found.into_iter().map(|(_, stands)| stands).collect()
}

fn calls(log: &str) -> Vec<Made> {
    let made = log.lines().filter_map(|line| {
        let (thread, text) = line.split_once(' ')?;
        let text = text.trim_start();
        let (name, _) = text.split_once('(')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(Made {
            thread: thread.parse().ok()?,
            name: name.to_owned(),
            text: text.to_owned(),
        })
        .filter(|_| is_name)
    });
    made.collect()
}

/// Names those of the calls that `picks` picks, so that a like run can be stopped there.
pub(crate) fn named(made: &[Made], picks: impl Fn(&Made) -> bool) -> Vec<Call> {
    let mut named: Vec<Call> = Vec::new();
    for (place, call) in made.iter().enumerate() {
        if !picks(call) {
            continue;
        }
        let before = &made[..place];
        let of_thread = |thread: u32, calls: &[Made]| {
            let same = |other: &&Made| other.thread == thread && other.name == call.name;
            calls.iter().filter(same).count()
        };
        let nth = of_thread(call.thread, before) + 1;
        let mut others: Vec<u32> = before.iter().map(|other| other.thread).collect();
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != call.thread && of_thread(*other, before) >= nth);
        named.push(Call {
            name: call.name.clone(),
            nth,
            threads: others.len() + 1,
        });
    }
    named
}

/// Fails unless strace is there and may do its work.
pub(crate) async fn assert_permitted() {
    let tried = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "true"])
        .output()
        .await;
    let output = tried.unwrap_or_else(|error| {
        panic!(
            "these tests need strace ({error}): scripts/test installs it, or apt-get install strace"
        )
    });
    assert!(
        output.status.success(),
        "strace cannot trace here: {}\nptrace must be permitted: in a container add the capability \
         SYS_PTRACE or a seccomp profile that allows ptrace; elsewhere see kernel.yama.ptrace_scope",
        String::from_utf8_lossy(&output.stderr)
    );
}
