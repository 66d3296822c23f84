//! Commands beside a server that works in the same state folder: they do what they do without one.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use spyhop_tests::program::{self, Server};
use spyhop_tests::sounds;
use tempfile::TempDir;

use crate::said;

fn printed(command: &str, place: &Path, state: &Path, rest: &[&OsStr]) -> anyhow::Result<Value> {
    let fixed = [OsStr::new(command), place.as_os_str(), OsStr::new("--json")];
    let state = [OsStr::new("--state"), state.as_os_str()];
    let output = program::run(fixed.into_iter().chain(state).chain(rest.iter().copied()))?;
    anyhow::ensure!(output.status.success(), "{}", said(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn levels_and_pyramids_are_made_while_a_server_has_the_state_folder() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (served, other) = (folder.path().join("served"), folder.path().join("other"));
    for (place, seconds) in [(&served, 70.0), (&other, 130.0)] {
        let sound = sounds::noise(0.2, seconds, 8000);
        sounds::write_wav(&place.join("site"), "x_20240601_120000.wav", &sound, 8000)?;
    }
    let (state, alone) = (folder.path().join("state"), folder.path().join("alone"));
    let args = ["--data".as_ref(), served.as_os_str(), "--state".as_ref(), state.as_os_str()];
    let server = Server::start(args)?;
    for (name, place) in [("served", &served), ("other", &other)] {
        let levels = |state: &Path, name: &str| -> anyhow::Result<(Value, Vec<u8>)> {
            let out = folder.path().join(name);
            let rest = ["--product", "decidecade", "--out"].map(OsStr::new);
            let told = printed("levels", place, state, &[&rest[..], &[out.as_os_str()]].concat())?;
            Ok((told["periods"].clone(), std::fs::read(out)?))
        };
        let beside = levels(&state, &format!("{name}-beside.csv"))?;
        assert_eq!(beside, levels(&alone, &format!("{name}-alone.csv"))?);
        let of = |told: Value| {
            let built = &told[0];
            (built["version"].clone(), built["store"].as_str().unwrap_or_default().to_owned())
        };
        let (version, store) = of(printed("pyramid", place, &state, &[])?);
        assert!(Path::new(&store).starts_with(state.canonicalize()?) && Path::new(&store).is_dir());
        assert_eq!(version, of(printed("pyramid", place, &alone, &[])?).0);
    }
    // Nothing is left of the commands, and the server still builds and answers.
    let left = |name: &str| state.join(name).read_dir().map_or(0, Iterator::count);
    assert_eq!((left("beside"), left("foreground")), (0, 0));
    for _ in 0..300 {
        let mut answer = ureq::get(server.at("api/v1/deployments/site/pyramid")).call()?;
        let told: Value = answer.body_mut().read_json()?;
        if told["pyramids"][0]["built"] == 1.0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    anyhow::bail!("the server builds no longer")
}
