//! The files that a browser loads, as they are built in.

/// A file of the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageFile {
    pub(super) media_type: &'static str,
    pub(super) content: &'static [u8],
}

/// The file at `path`; none if there is no such.
pub(super) fn file(path: &str) -> Option<PageFile> {
    let (media_type, content): (_, &[u8]) = match path {
        "/" => ("text/html; charset=utf-8", include_bytes!("page/index.html")),
        "/app.js" => ("text/javascript; charset=utf-8", include_bytes!("page/app.js")),
        "/draw.js" => ("text/javascript; charset=utf-8", include_bytes!("page/draw.js")),
        "/style.css" => ("text/css; charset=utf-8", include_bytes!("page/style.css")),
        "/icon.svg" => ("image/svg+xml", include_bytes!("page/icon.svg")),
        _ => return None,
    };
    Some(PageFile { media_type, content })
}

/// What a browser without the token gets.
pub(super) const LOGIN: PageFile =
    PageFile { media_type: "text/html; charset=utf-8", content: include_bytes!("page/login.html") };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_the_page_is_less_than_100_kb_and_asks_nothing_of_another_place() {
        let paths = ["/", "/app.js", "/draw.js", "/style.css", "/icon.svg"];
        let files = paths.map(|path| file(path).unwrap());
        let bytes: usize = files.iter().map(|file| file.content.len()).sum();
        assert!(bytes < 100_000, "{bytes}");
        for PageFile { content, .. } in files {
            let text = std::str::from_utf8(content).unwrap();
            let outside = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!outside.contains("http://") && !outside.contains("https://"), "{text}");
        }
    }
}
