//! Checksums that Google's buckets keep of their files: in the listing of the JSON API, and in a
//! header of what is read over the web.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::address::Bucket;
use super::remote::google_endpoint;
use super::web_listing::child_of;
use super::{Digest, Listed};

/// Questions under way at a time.
const AT_ONCE: usize = 8;

/// One page of a listing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Page {
    items: Vec<Item>,
    next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Item {
    name: String,
    md5_hash: Option<String>,
    crc32c: Option<String>,
}

/// The files with the checksums of a public bucket; of a private one, or where the list can't be
/// had, as they were.
pub async fn of_bucket(client: &Client, bucket: &Bucket, mut files: Vec<Listed>) -> Vec<Listed> {
    let prefix =
        if bucket.prefix.is_empty() { String::new() } else { format!("{}/", bucket.prefix) };
    let mut digests: HashMap<String, Digest> = HashMap::new();
    let mut token: Option<String> = None;
    let Ok(mut base) = Url::parse(&google_endpoint()) else { return files };
    if let Ok(mut path) = base.path_segments_mut() {
        path.extend(["storage", "v1", "b", &bucket.name, "o"]);
    }
    loop {
        let mut url = base.clone();
        url.query_pairs_mut()
            .append_pair("prefix", &prefix)
            .append_pair("fields", "nextPageToken,items(name,md5Hash,crc32c)");
        if let Some(token) = &token {
            url.query_pairs_mut().append_pair("pageToken", token);
        }
        let Ok(answer) = client.get(url).send().await else { break };
        let Ok(text) = answer.text().await else { break };
        let Ok(page) = serde_json::from_str::<Page>(&text) else { break };
        for item in page.items {
            let name = item.name.strip_prefix(prefix.as_str()).unwrap_or(&item.name).to_owned();
            let digest =
                item.md5_hash.as_deref().and_then(md5).or(item.crc32c.as_deref().and_then(crc32c));
            digests.extend(digest.map(|digest| (name, digest)));
        }
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    for file in &mut files {
        file.digest = digests.get(&file.path).copied().or(file.digest);
    }
    files
}

/// The files of a web folder with what the headers `x-goog-hash` and `Content-MD5` say of them.
pub async fn of_headers(client: &Client, folder: &Url, files: Vec<Listed>) -> Vec<Listed> {
    let asked = files.into_iter().map(|mut file| async move {
        let url = file.path.split('/').try_fold(folder.clone(), |url, part| child_of(&url, part));
        if let Some(url) = url
            && let Ok(answer) = client.head(url).send().await
        {
            let headers = answer.headers();
            let texts = |name: &str| headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
            let google: Vec<&str> = texts("x-goog-hash").flat_map(|v| v.split(',')).collect();
            let of = |key: &str| google.iter().find_map(|part| part.trim().strip_prefix(key));
            file.digest = of("md5=")
                .or(texts("content-md5").next())
                .and_then(md5)
                .or(of("crc32c=").and_then(crc32c));
        }
        file
    });
    futures_util::stream::iter(asked).buffered(AT_ONCE).collect().await
}

fn md5(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(Digest::Md5)
}

fn crc32c(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok().map(|b| Digest::Crc32c(u32::from_be_bytes(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_read_as_google_writes_them() {
        // Of the empty file, and of the bytes "123456789".
        let empty = [
            0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8,
            0x42, 0x7e,
        ];
        assert_eq!(md5("1B2M2Y8AsgTpgAmY7PhCfg=="), Some(Digest::Md5(empty)));
        assert_eq!(crc32c("4waSgw=="), Some(Digest::Crc32c(0xe306_9283)));
        assert_eq!((md5("x"), crc32c("AAAA")), (None, None));
    }
}
