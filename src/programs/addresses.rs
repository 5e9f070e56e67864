//! The hosts in the arguments of a program, for what may keep it from them. Asked by `tympan doctor`.

/// The host of each argument that is an address, such as `camera` of `rtsp://user:password@camera:554/audio`.
pub fn hosts_of(argv: &[String]) -> impl Iterator<Item = String> {
    argv.iter().filter_map(|argument| {
        let (scheme, rest) = argument.split_once("://")?;
        let is_scheme = scheme.bytes().all(|it| it.is_ascii_alphanumeric() || b"+-.".contains(&it));
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?.0,
            None => host.split(':').next()?,
        };
        (is_scheme && !scheme.is_empty() && !host.is_empty()).then(|| host.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_distinguished_from_other_arguments() {
        let argv = [
            "ffmpeg",
            "-i",
            "rtsp://user:p@ss@camera:554/audio?x=1",
            "https://[fe80::1]:8443/hook",
            "http://192.168.1.20",
            "s16le",
            "://x",
            "a b://c",
            "file:///dev/null",
        ];
        let hosts: Vec<String> = hosts_of(&argv.map(str::to_owned)).collect();
        assert_eq!(hosts, ["camera", "fe80::1", "192.168.1.20"]);
    }
}
