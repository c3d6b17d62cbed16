//! TLS of the public listener: the certificate of the settings' files, which a reload reads again.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use engineio::WriteLimit;
use tokio::time::timeout;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

use crate::config::{ConfigError, TlsConfig};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts with the certificate of this moment.
pub(crate) struct Tls(RwLock<TlsAcceptor>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// They cannot be read, or do not belong together.
    pub(crate) fn load(config: &TlsConfig) -> Result<Self, ConfigError> {
        acceptor(config).map(|acceptor| Self(RwLock::new(acceptor)))
    }

    /// Reads the files again. Connections that are open keep their certificate.
    ///
    /// # Errors
    ///
    /// As [`Tls::load`]; the old certificate goes on then.
    pub(crate) fn reload(&self, config: &TlsConfig) -> Result<(), ConfigError> {
        let acceptor = acceptor(config)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
        Ok(())
    }

    /// Shakes hands, within a time that no client can stretch.
    pub(crate) async fn accept(&self, stream: WriteLimit) -> io::Result<TlsStream<WriteLimit>> {
        let acceptor = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        timeout(HANDSHAKE, acceptor.accept(stream)).await?
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, ConfigError> {
    let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else {
        let message = "tls.listen needs tls.certificate and tls.key";
        return Err(ConfigError(message.into()));
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unusable("tls.certificate", certificate, &error))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unusable("tls.key", key, &error))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, secret)
        })
        .map_err(|error| unusable("tls.certificate", certificate, &error))?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn unusable(key: &str, path: &Path, error: &dyn fmt::Display) -> ConfigError {
    ConfigError(format!("{key}: cannot use {}: {error}", path.display()))
}
