//! What there is to detect with, and the files of networks.

use spyhop_tests::Server;
use spyhop_tests::models::{data_home, models_of, put_adapter};
use tempfile::TempDir;
use ureq::http::StatusCode;

use crate::{get, header, json};

#[test]
fn models_are_listed_with_their_cards_and_problems_and_give_the_files_that_are_listed()
-> anyhow::Result<()> {
    let home = data_home(&["broken", "tiny"])?;
    let models = models_of(home.path());
    std::fs::write(models.join("broken/model.safetensors"), b"no")?;
    std::fs::write(models.join("tiny/notes.txt"), b"private")?;
    put_adapter(home.path(), "gulf")?;
    put_adapter(home.path(), "torn")?;
    std::fs::write(models.join("torn/adapter_model.safetensors"), b"no")?;
    let place = TempDir::new()?;
    let server = Server::start_of(home.path(), ["--data".as_ref(), place.path().as_os_str()])?;
    let list = json(&server.at("api/v1/models"))?;
    let (broken, tiny) = (&list["models"][0], &list["models"][1]);
    let problem = broken["problem"].as_str().unwrap_or_default();
    assert!(problem.starts_with("broken/model.safetensors can't be understood"), "{broken}");
    assert!(broken["card"].is_null(), "{broken}");
    assert_eq!(tiny["card"]["classes"][4]["name"], "none");
    assert_eq!((&tiny["parameters"], &tiny["problem"]), (&84_245.into(), &().into()));
    assert_eq!(
        (&list["adapters"][0]["name"], &list["adapters"][0]["problem"]),
        (&"gulf".into(), &().into())
    );
    let torn = list["adapters"][1]["problem"].as_str().unwrap_or_default();
    assert!(torn.starts_with("torn/adapter_model.safetensors can't be understood"), "{torn}");
    // Beside each network stand the adapters that go over it: not the torn one, and none that is another
    // network's.
    let carried = &list["models"][2];
    assert_eq!(carried["name"], "upcall-small");
    assert_eq!(
        [&broken["adapters"], &tiny["adapters"], &carried["adapters"]],
        [&serde_json::json!([]), &serde_json::json!(["gulf"]), &serde_json::json!([])]
    );
    let mut detectors = list["detectors"].as_array().into_iter().flatten();
    let whistle = detectors.find(|d| d["id"] == "whistle").cloned().unwrap_or_default();
    assert_eq!(whistle["title"], "Dolphin whistles", "{list}");

    let files = tiny["files"].as_array().into_iter().flatten();
    let names: Vec<&str> = files.clone().filter_map(|file| file["name"].as_str()).collect();
    assert_eq!(names, ["config.json", "model.safetensors", "preprocessor_config.json"]);
    for file in files {
        let name = file["name"].as_str().unwrap_or_default();
        let url = server.at(&format!("api/v1/models/tiny/{name}"));
        let mut answer = get(&url, &[])?;
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        let tag = header(&answer, "etag").to_owned();
        let bytes = answer.body_mut().read_to_vec()?;
        assert_eq!(bytes, std::fs::read(models.join("tiny").join(name))?);
        assert_eq!(file["bytes"], bytes.len());
        assert!(tag.contains(file["fingerprint"].as_str().unwrap_or("none")), "{tag}");
        let again = get(&url, &[("if-none-match", &tag)])?;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }
    // A page that detects by itself takes an adapter in the same way.
    let weights = "adapter_model.safetensors";
    let mut answer = get(&server.at(&format!("api/v1/models/gulf/{weights}")), &[])?;
    assert_eq!(answer.body_mut().read_to_vec()?, std::fs::read(models.join("gulf").join(weights))?);
    assert_eq!(list["adapters"][0]["files"].as_array().map(Vec::len), Some(2), "{list}");
    std::fs::write(models.join("gulf/README.md"), b"private")?;
    for path in ["tiny/notes.txt", "tiny/..%2F..%2Fx", "gulf/README.md", "nobody/config.json"] {
        let answer = get(&server.at(&format!("api/v1/models/{path}")), &[])?;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }

    // What was mended is seen at once.
    std::fs::copy(models.join("tiny/model.safetensors"), models.join("broken/model.safetensors"))?;
    let mended = json(&server.at("api/v1/models"))?;
    assert!(mended["models"][0]["problem"].is_null(), "{mended}");
    assert_eq!(mended["models"][0]["adapters"], serde_json::json!(["gulf"]), "{mended}");
    Ok(())
}
