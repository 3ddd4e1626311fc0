use super::*;

const BUILT: &[Asset] = &[
    Asset { path: "index.html", tag: "\"1\"", plain: b"<p>", brotli: b"br", gzip: b"gz" },
    Asset { path: "assets/a-1.js", tag: "\"2\"", plain: b"1;", brotli: b"br", gzip: b"gz" },
];

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

async fn shown(response: Response) -> (u16, HeaderMap, String) {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, 100_000).await.unwrap();
    (parts.status.as_u16(), parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_browser_gets_the_best_encoding_that_it_accepts() {
    for (accepted, body, encoding) in [
        ("gzip, deflate, br, zstd", "br", Some("br")),
        ("BR;q=0.5", "br", Some("br")),
        ("br;q=0, gzip", "gz", Some("gzip")),
        ("identity", "1;", None),
        ("", "1;", None),
    ] {
        let (status, headers, found) = shown(file(BUILT, "a-1.js", &headers(&[("accept-encoding", accepted)]))).await;
        assert_eq!((status, found.as_str()), (200, body), "{accepted}");
        assert_eq!(headers.get("content-encoding").map(|value| value.to_str().unwrap()), encoding, "{accepted}");
        assert_eq!(headers["vary"], "Accept-Encoding");
        assert_eq!(headers["content-type"], "text/javascript; charset=utf-8");
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    }
    assert_eq!(shown(file(BUILT, "b.js", &HeaderMap::new())).await.0, 404);
    assert_eq!(shown(file(BUILT, "../index.html", &HeaderMap::new())).await.0, 404);
}

#[tokio::test]
async fn the_page_is_revalidated_and_sent_only_when_it_has_changed() {
    let (status, first, body) = shown(page(BUILT, &HeaderMap::new())).await;
    assert_eq!((status, body.as_str(), &first["cache-control"]), (200, "<p>", &HeaderValue::from_static("no-cache")));
    assert!(first["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; script-src 'self';"));
    let (status, _, body) = shown(page(BUILT, &headers(&[("if-none-match", "\"0\", \"1\"")]))).await;
    assert_eq!((status, body.as_str()), (304, ""));
    assert_eq!(shown(page(BUILT, &headers(&[("if-none-match", "\"0\"")]))).await.0, 200);
}

#[tokio::test]
async fn without_a_build_the_page_explains_how_to_make_one() {
    let (status, headers, body) = shown(page(&[], &HeaderMap::new())).await;
    assert_eq!((status, &headers["content-type"]), (501, &HeaderValue::from_static("text/html; charset=utf-8")));
    assert!(body.contains("npm install &amp;&amp; npm run build"), "{body}");
}

#[test]
fn every_page_of_the_console_has_its_path() {
    let routes = include_str!("../web/src/app/routes.ts");
    let pages = routes.split_once("PAGES = {").unwrap().1.split_once('}').unwrap().0;
    let names: Vec<String> =
        pages.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| format!("/{}", name.trim())).collect();
    assert_eq!(names.len(), PAGES.len() - 2, "the list of events is also at the root, and an event has a page");
    for name in names {
        assert!(PAGES.contains(&name.as_str()), "{name}");
    }
}
