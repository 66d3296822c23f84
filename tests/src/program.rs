//! The `spyhop` program, as a person starts it.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, bail};
use tempfile::TempDir;

/// Where cargo put the program that these tests belong to.
///
/// # Errors
/// When it has not been built.
pub fn path() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let beside = test.parent().context("cargo's target folder")?;
    // Tests lie one folder deeper than programs.
    let folder = if beside.ends_with("deps") { beside.parent().unwrap_or(beside) } else { beside };
    let program = folder.join(format!("spyhop{}", std::env::consts::EXE_SUFFIX));
    if !program.is_file() {
        bail!("build it first, with  cargo build --bin spyhop: {}", program.display());
    }
    Ok(program)
}

/// Runs a subcommand to its end.
///
/// # Errors
/// When the program is not there.
pub fn run<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> anyhow::Result<Output> {
    let output = Command::new(path()?).args(args).stdin(Stdio::null()).output()?;
    Ok(output)
}

/// `spyhop serve` on a free port, with a state folder of its own; stopped when dropped.
pub struct Server {
    child: Child,
    _state: TempDir,
    /// Its address, with a slash at the end.
    pub url: String,
}

impl Server {
    /// Starts it with further arguments and waits until it answers.
    ///
    /// # Errors
    /// When it stops instead; the error holds what it said.
    pub fn start<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> anyhow::Result<Server> {
        Server::start_by(Command::new(path()?), args)
    }

    /// The same for a user with a data folder of their own, in which models lie.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_of<S: AsRef<OsStr>>(
        data_home: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Server> {
        let mut command = Command::new(path()?);
        command.env("XDG_DATA_HOME", data_home);
        Server::start_by(command, args)
    }

    fn start_by<S: AsRef<OsStr>>(
        mut command: Command,
        args: impl IntoIterator<Item = S>,
    ) -> anyhow::Result<Server> {
        let state = TempDir::new()?;
        let args: Vec<OsString> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        if !args.iter().any(|arg| arg == "--state") {
            command.arg("--state").arg(state.path());
        }
        let mut child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("its output")?);
        let mut said = String::new();
        loop {
            let mut line = String::new();
            if output.read_line(&mut line)? == 0 {
                let mut errors = String::new();
                child.stderr.take().context("its errors")?.read_to_string(&mut errors)?;
                bail!("spyhop serve stopped: {said}{errors}");
            }
            let open = line.strip_prefix("Open ");
            if let Some(url) = open.and_then(|rest| rest.split_whitespace().next()) {
                let url = url.to_owned();
                // What else it says is read, or it would write into a pipe that nobody holds.
                std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
                return Ok(Server { child, _state: state, url });
            }
            said.push_str(&line);
        }
    }

    /// The address of something it serves.
    pub fn at(&self, path: &str) -> String {
        format!("{}{}", self.url, path.trim_start_matches('/'))
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has stopped by itself.
    ///
    /// # Errors
    /// When waiting fails.
    pub fn wait(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        Ok(self.child.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have stopped already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
