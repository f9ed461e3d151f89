//! OAuth 1.0a signatures (RFC 5849).

use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use sha2::Sha256;
use url::Url;

use crate::encoding::{base64, percent};
use crate::provider::SignatureMethod;
use crate::request::Stamp;

/// What signs requests.
pub(crate) struct Signer<'a> {
    pub(crate) consumer_key: &'a str,
    pub(crate) consumer_secret: &'a str,
    /// The token and its secret.
    pub(crate) token: Option<(&'a str, &'a str)>,
    pub(crate) method: SignatureMethod,
    pub(crate) realm: Option<&'a str>,
}

impl Signer<'_> {
    /// The `Authorization` header. `form` are the fields of a form body.
    pub(crate) fn authorization(
        &self,
        method: &str,
        url: &Url,
        form: &[(String, String)],
        stamp: &Stamp,
    ) -> String {
        let mut own = vec![
            ("oauth_consumer_key", self.consumer_key.to_owned()),
            ("oauth_nonce", stamp.nonce.clone()),
            ("oauth_signature_method", self.method_name().to_owned()),
            ("oauth_timestamp", stamp.now.as_second().to_string()),
        ];
        if let Some((token, _)) = self.token {
            own.push(("oauth_token", token.to_owned()));
        }
        own.push(("oauth_version", "1.0".to_owned()));
        let pairs = own
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let base = base_string(method, url, form.iter().cloned().chain(pairs));
        own.push(("oauth_signature", self.signature(&base)));

        let mut header = String::from("OAuth ");
        if let Some(realm) = self.realm {
            header.push_str(&format!("realm=\"{realm}\", "));
        }
        let fields: Vec<String> = own
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", percent(value, b"")))
            .collect();
        header.push_str(&fields.join(", "));
        header
    }

    fn method_name(&self) -> &'static str {
        match self.method {
            SignatureMethod::HmacSha1 => "HMAC-SHA1",
            SignatureMethod::HmacSha256 => "HMAC-SHA256",
        }
    }

    /// Section 3.4.2.
    fn signature(&self, base: &str) -> String {
        let token_secret = self.token.map_or("", |(_, secret)| secret);
        let key = format!(
            "{}&{}",
            percent(self.consumer_secret, b""),
            percent(token_secret, b"")
        );
        match self.method {
            SignatureMethod::HmacSha1 => {
                let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes())
                    .expect("HMAC takes keys of any length");
                mac.update(base.as_bytes());
                base64(mac.finalize().into_bytes())
            }
            SignatureMethod::HmacSha256 => {
                let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
                    .expect("HMAC takes keys of any length");
                mac.update(base.as_bytes());
                base64(mac.finalize().into_bytes())
            }
        }
    }
}

/// Section 3.4.1.
fn base_string(method: &str, url: &Url, others: impl Iterator<Item = (String, String)>) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .chain(others)
        .map(|(name, value)| (percent(&name, b""), percent(&value, b"")))
        .collect();
    pairs.sort();
    let parameters: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "{}&{}&{}",
        method.to_ascii_uppercase(),
        percent(bare.as_str(), b""),
        percent(&parameters.join("&"), b"")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 5849, sections 3.1 and 3.4.1.
    #[test]
    fn the_base_string_is_that_of_the_rfc() {
        let url = Url::parse("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b");
        let others = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
            ("c2", ""),
            ("a3", "2 q"),
        ];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let base = base_string("post", &url.unwrap(), others.into_iter());
        assert_eq!(
            base,
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D\
             %253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonc\
             e%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oau\
             th_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    /// The example of RFC 5849, section 1.2: the request for the photo.
    #[test]
    fn the_signature_is_that_of_the_rfc() {
        let signer = Signer {
            consumer_key: "dpf43f3p2l4k3l03",
            consumer_secret: "kd94hf93k423kf44",
            token: Some(("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")),
            method: SignatureMethod::HmacSha1,
            realm: None,
        };
        let url = Url::parse("http://photos.example.net/photos?file=vacation.jpg&size=original");
        let own = [
            ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
            ("oauth_token", "nnch734d00sl2jdk"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131202"),
            ("oauth_nonce", "chapoH"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let base = base_string("GET", &url.unwrap(), own.into_iter());
        assert_eq!(signer.signature(&base), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
    }

    /// The worked example in the documentation of the Twitter API, "Creating a signature".
    #[test]
    fn the_whole_header_is_that_of_the_worked_example() {
        let signer = Signer {
            consumer_key: "xvz1evFS4wEEPTGEFPHBog",
            consumer_secret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
            token: Some((
                "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
                "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
            )),
            method: SignatureMethod::HmacSha1,
            realm: None,
        };
        let url =
            Url::parse("https://api.twitter.com/1.1/statuses/update.json?include_entities=true");
        let stamp = Stamp {
            now: jiff::Timestamp::from_second(1_318_622_958).unwrap(),
            nonce: "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg".to_owned(),
        };
        let status = "Hello Ladies + Gentlemen, a signed OAuth request!";
        let form = [("status".to_owned(), status.to_owned())];
        let header = signer.authorization("POST", &url.unwrap(), &form, &stamp);
        assert!(
            header.contains("oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""),
            "{header}"
        );
    }
}
