//! Columns of a view that the server computes for whoever spares the net.

use std::io::Read;

use spyhop_api::Tile;
use spyhop_tests::sounds;
use tempfile::TempDir;
use ureq::http::StatusCode;

use super::{get, header, serve};

const RATE_HZ: u32 = 192_000;
/// Bytes of the samples under 250 columns of 512.
const SAMPLE_BYTES: u64 = 2 * 250 * 512;

#[test]
fn a_views_columns_have_the_tones_level_and_cost_a_sixth_of_its_samples() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let tone = sounds::sine(20_625.0, 0.5, 2.0, RATE_HZ);
    let samples = sounds::mixed(&tone, &sounds::noise(0.01, 2.0, RATE_HZ));
    sounds::write_wav(&folder.path().join("deep"), "a_20240601_120000.wav", &samples, RATE_HZ)?;
    let server = serve(folder.path())?;
    let view = "v=1&src=set:deep&fft=1024.1024.512.spectrum.hann";
    let address =
        |columns: &str| server.at(&format!("api/v1/view/columns?{view}&columns={columns}"));
    let mut answer = get(&address("9.0.250.0.129.4.384000"), &[])?;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut bytes = Vec::new();
    answer.body_mut().as_reader().read_to_end(&mut bytes)?;
    let tile = Tile::decode(&bytes)?;
    assert_eq!((tile.bands, tile.frames[249] > 0, tile.frames[250]), (129, true, 0));
    // The tone lies in the middle of bin 110 of 187.5 Hz each. In power, a sine's bin has half its amplitude
    // squared and, under a Hann window, each neighbour a quarter of that; the row pools four of them. One
    // frame a column has no maximum of its own.
    let row = 110 / 4;
    let expected_db = 10.0 * (0.5f32 * 0.25 * 1.5 / 4.0).log10();
    for column in 10..240 {
        let (mean, max) = (tile.mean_db[column * 129 + row], tile.max_db[column * 129 + row]);
        assert!((mean - expected_db).abs() <= 0.6, "{column}: {mean} for {expected_db}");
        assert_eq!(mean, max);
        let noise = tile.mean_db[column * 129 + 100];
        assert!(noise < expected_db - 35.0, "{column}: {noise}");
    }
    let packed = get(&address("9.0.250.0.129.4.384000"), &[("accept-encoding", "gzip")])?;
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    assert_eq!(header(&packed, "cache-control"), "no-cache");
    let tag = header(&packed, "etag").to_owned();
    let length: u64 = header(&packed, "content-length").parse()?;
    assert!(length < SAMPLE_BYTES / 6, "{length} bytes");
    let known = [("accept-encoding", "gzip"), ("if-none-match", tag.as_str())];
    assert_eq!(get(&address("9.0.250.0.129.4.384000"), &known)?.status(), StatusCode::NOT_MODIFIED);

    // Of another line, of rows that the transform does not have, of nothing.
    for (columns, status) in [
        ("9.0.250.0.129.4.384001", StatusCode::NOT_FOUND),
        ("9.0.250.0.900.4.384000", StatusCode::UNPROCESSABLE_ENTITY),
        ("9.0.999.0.129.4.384000", StatusCode::BAD_REQUEST),
        ("", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(get(&address(columns), &[])?.status(), status, "{columns}");
    }
    let nowhere = server.at("api/v1/view/columns?v=1&src=set:none&columns=9.0.1.0.1.1.1");
    assert_eq!(get(&nowhere, &[])?.status(), StatusCode::NOT_FOUND);
    Ok(())
}
