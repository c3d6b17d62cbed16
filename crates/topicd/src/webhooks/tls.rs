//! TLS to the receiver: whose certificates are believed, and what is wrong with one that is not.

use std::{fmt, io, path::Path, sync::Arc};

use rustls_native_certs::load_native_certs;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, Error, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::config::ConfigError;

/// Connects to one receiver.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    receiver: ServerName<'static>,
}

impl Tls {
    /// Trusts the authorities of a file, or those of the system if there is none.
    ///
    /// # Errors
    ///
    /// There is no authority, or the receiver has a name that no certificate can have.
    pub(super) fn new(host: &str, authority: Option<&Path>) -> Result<Self, ConfigError> {
        let wrong = |error| ConfigError(format!("webhooks.url: {host:?} is no host: {error}"));
        let receiver = ServerName::try_from(host.to_owned()).map_err(wrong)?;
        let roots = match authority {
            Some(path) => authorities_of(path)?,
            None => authorities_of_the_system()?,
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ConfigError(format!("webhooks.url: no TLS: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            connector: Arc::new(client).into(),
            receiver,
        })
    }

    /// Shakes hands.
    pub(super) async fn connect(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.receiver.clone(), stream).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Whether a handshake failed because the receiver's certificate is not to be believed.
pub(super) fn is_untrusted(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(Error::InvalidCertificate(_)))
}

fn authorities_of(path: &Path) -> Result<RootCertStore, ConfigError> {
    let unusable = |error: &dyn fmt::Display| {
        let path = path.display();
        ConfigError(format!("webhooks.authority: cannot use {path}: {error}"))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unusable(&error))? {
        let certificate = certificate.map_err(|error| unusable(&error))?;
        roots.add(certificate).map_err(|error| unusable(&error))?;
    }
    match roots.is_empty() {
        true => Err(unusable(&"no certificate is in it")),
        false => Ok(roots),
    }
}

fn authorities_of_the_system() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_native_certs().certs);
    match roots.is_empty() {
        true => Err(ConfigError(
            "webhooks.url: the system has no authorities to trust; name one in webhooks.authority"
                .into(),
        )),
        false => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_that_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authority.pem");
        let error = || Tls::new("localhost", Some(&path)).unwrap_err().0;
        assert!(error().contains("authority.pem"), "{}", error());
        std::fs::write(&path, "nothing of this kind").unwrap();
        assert!(
            error().ends_with(": no certificate is in it"),
            "{}",
            error()
        );
    }
}
