//! Help that teaches.

use spyhop_tests::program;

const COMMANDS: [&str; 17] = [
    "serve",
    "index",
    "fetch",
    "demo",
    "info",
    "decode",
    "spectrogram",
    "story",
    "detect",
    "models",
    "score",
    "dataset",
    "train",
    "transcribe",
    "runs",
    "tune",
    "evaluate",
];

fn help(args: &[&str]) -> anyhow::Result<String> {
    let output = program::run(args)?;
    anyhow::ensure!(output.status.success());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn help_names_the_commands_and_how_to_begin() -> anyhow::Result<()> {
    let all = help(&["--help"])?;
    for command in COMMANDS {
        let listed = all.lines().any(|line| line.trim_start().starts_with(command));
        assert!(listed && all.contains(&format!("\n  spyhop {command} ")), "{command}: {all}");
    }
    Ok(())
}

#[test]
fn each_command_shows_examples() -> anyhow::Result<()> {
    for command in COMMANDS {
        let text = help(&[command, "--help"])?;
        let examples = text.matches(&format!("\n  spyhop {command} ")).count();
        assert!(examples >= 1 && text.contains("spyhop serve") || examples >= 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
    Ok(())
}

#[test]
fn commands_that_scripts_call_tell_their_exit_codes() -> anyhow::Result<()> {
    for (command, codes) in [
        ("info", 2),
        ("index", 3),
        ("fetch", 2),
        ("decode", 3),
        ("spectrogram", 3),
        ("detect", 3),
        ("score", 3),
        ("dataset", 2),
        ("train", 2),
        ("transcribe", 3),
    ] {
        let text = help(&[command, "--help"])?;
        let told = text.split("Exit codes:").nth(1).unwrap_or_default();
        for code in 0..=codes {
            assert!(told.contains(&format!("\n  {code}  ")), "{command} {code}: {text}");
        }
    }
    Ok(())
}
