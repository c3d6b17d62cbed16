//! Paths as old clients write them: `/v2//things/…`, `/resources/k/?limit=1`.

use http::{Uri, uri::PathAndQuery};

/// Makes repeated slashes one and drops a trailing one. The query and what is percent-encoded stay
/// as they are.
pub(crate) fn normalise(uri: &Uri) -> Uri {
    let path = uri.path();
    if !path.contains("//") && (path == "/" || !path.ends_with('/')) {
        return uri.clone();
    }
    let mut normal: String = path
        .split('/')
        .filter(|part| !part.is_empty())
        .fold(String::with_capacity(path.len()), |normal, part| {
            normal + "/" + part
        });
    if normal.is_empty() {
        normal.push('/');
    }
    if let Some(query) = uri.query() {
        normal.push('?');
        normal.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    match PathAndQuery::try_from(normal) {
        Ok(path) => parts.path_and_query = Some(path),
        Err(_) => return uri.clone(),
    }
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Contract 33
    #[test]
    fn slashes() {
        let cases = [
            ("/", "/"),
            ("//", "/"),
            ("/v2", "/v2"),
            ("/v2/", "/v2"),
            ("/v2//things///a//", "/v2/things/a"),
            ("/v2/a/?limit=1", "/v2/a?limit=1"),
            ("/v2/a?", "/v2/a?"),
            ("/v2/%2f/", "/v2/%2f"),
            ("/?//", "/?//"),
        ];
        for (path, normal) in cases {
            let uri = path.parse().unwrap();
            assert_eq!(normalise(&uri).to_string(), normal, "{path}");
        }
    }
}
