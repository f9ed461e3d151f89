//! AWS Signature Version 4, in the `Authorization` header.

use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::encoding::percent;
use crate::request::set;
use crate::transport::Request;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Headers that something on the way may change, so they are not signed.
const UNSIGNED: [&str; 6] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "expect",
    "user-agent",
];

/// What signs requests.
pub(crate) struct Signer<'a> {
    pub(crate) access_key_id: &'a str,
    pub(crate) secret_access_key: &'a str,
    pub(crate) session_token: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

impl Signer<'_> {
    /// Signs `request`: sets `x-amz-date`, `authorization` and what goes with them. An error is
    /// the name of a header that cannot be sent.
    pub(crate) fn sign(&self, request: &mut Request, now: Timestamp) -> Result<(), &'static str> {
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let date = &time[..8];
        let body = request.body.as_deref().unwrap_or_default();
        let hash = hex::encode(Sha256::digest(body));

        let headers = &mut request.headers;
        set(headers, "x-amz-date", &time).map_err(|_| "x-amz-date")?;
        if self.service == "s3" {
            set(headers, "x-amz-content-sha256", &hash).map_err(|_| "x-amz-content-sha256")?;
        }
        if let Some(token) = self.session_token {
            set(headers, "x-amz-security-token", token).map_err(|_| "x-amz-security-token")?;
        }

        let (signed, canonical) = canonical_headers(&request.headers, &host(&request.url));
        let canonical = format!(
            "{}\n{}\n{}\n{canonical}\n{signed}\n{hash}",
            request.method,
            self.path(&request.url),
            query(&request.url),
        );
        let scope = format!("{date}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!(
            "{ALGORITHM}\n{time}\n{scope}\n{}",
            hex::encode(Sha256::digest(canonical))
        );
        let key = format!("AWS4{}", self.secret_access_key);
        let key = [date, self.region, self.service, "aws4_request"]
            .iter()
            .fold(key.into_bytes(), |key, part| hmac(&key, part));
        let signature = hex::encode(hmac(&key, &to_sign));
        let value = format!(
            "{ALGORITHM} Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            self.access_key_id
        );
        set(&mut request.headers, "authorization", &value).map_err(|_| "authorization")
    }

    /// The path; every service but S3 takes it encoded once more.
    fn path(&self, url: &url::Url) -> String {
        if self.service == "s3" {
            url.path().to_owned()
        } else {
            percent(url.path(), b"/")
        }
    }
}

fn host(url: &url::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn query(url: &url::Url) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (percent(&name, b""), percent(&value, b"")))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The names that are signed, and the lines with their values.
fn canonical_headers(headers: &HeaderMap, host: &str) -> (String, String) {
    let mut lines = vec![("host".to_owned(), host.to_owned())];
    for name in headers.keys() {
        if UNSIGNED.contains(&name.as_str()) || name == "host" {
            continue;
        }
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| {
                let text = String::from_utf8_lossy(value.as_bytes());
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect();
        lines.push((name.as_str().to_owned(), values.join(",")));
    }
    lines.sort();
    let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
    let signed = names.join(";");
    let text = lines
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    (signed, text)
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        url: &'static str,
        headers: &'static [(&'static str, &'static str)],
        keys: (&'static str, &'static str),
        service: &'static str,
        time: &'static str,
        signature: &'static str,
    }

    const SUITE: (&str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    const S3: (&str, &str) = (
        "AKIAIOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    );

    /// The examples of the AWS General Reference (IAM), of the test suite (`get-vanilla`,
    /// `get-vanilla-query-order-key-case`) and of the S3 documentation (GET object, GET bucket
    /// lifecycle, GET bucket).
    const CASES: [Case; 6] = [
        Case {
            url: "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            headers: &[(
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            )],
            keys: SUITE,
            service: "iam",
            time: "2015-08-30T12:36:00Z",
            signature: "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        },
        Case {
            url: "https://example.amazonaws.com/",
            headers: &[],
            keys: SUITE,
            service: "service",
            time: "2015-08-30T12:36:00Z",
            signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        },
        Case {
            url: "https://example.amazonaws.com/?Param2=value2&Param1=value1",
            headers: &[],
            keys: SUITE,
            service: "service",
            time: "2015-08-30T12:36:00Z",
            signature: "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        },
        Case {
            url: "https://examplebucket.s3.amazonaws.com/test.txt",
            headers: &[("range", "bytes=0-9")],
            keys: S3,
            service: "s3",
            time: "2013-05-24T00:00:00Z",
            signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        },
        Case {
            url: "https://examplebucket.s3.amazonaws.com/?lifecycle",
            headers: &[],
            keys: S3,
            service: "s3",
            time: "2013-05-24T00:00:00Z",
            signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        },
        Case {
            url: "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J",
            headers: &[],
            keys: S3,
            service: "s3",
            time: "2013-05-24T00:00:00Z",
            signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        },
    ];

    #[test]
    fn signatures_are_those_that_aws_documents() {
        for case in CASES {
            let mut request = Request {
                method: http::Method::GET,
                url: case.url.parse().unwrap(),
                headers: HeaderMap::new(),
                body: None,
            };
            for (name, value) in case.headers {
                set(&mut request.headers, name, value).unwrap();
            }
            let signer = Signer {
                access_key_id: case.keys.0,
                secret_access_key: case.keys.1,
                session_token: None,
                region: "us-east-1",
                service: case.service,
            };
            signer
                .sign(&mut request, case.time.parse().unwrap())
                .unwrap();
            let header = request.headers["authorization"].to_str().unwrap();
            let (_, signature) = header.split_once("Signature=").unwrap();
            assert_eq!(signature, case.signature, "{}", case.url);
        }
    }
}
