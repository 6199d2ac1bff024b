//! What must be kept fresh beside requests, on a thread of its own: keys of issuers, certificates.

use std::io;
use std::sync::Arc;

use futures_util::future::OptionFuture;
use tokio::sync::watch;

use super::StartError;
use super::callers::{CallerSettings, Callers, Tls};
use super::jwt::{IssuerSettings, Issuers};

/// What is kept.
#[derive(Debug)]
pub struct Keeper {
    /// Who may ask, if not everybody.
    pub callers: Option<Arc<Callers>>,
    /// Whose tokens doors believe.
    pub issuers: Option<Issuers>,
}

impl Keeper {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// [`StartError::Callers`], [`StartError::Issuers`].
    pub fn new(callers: CallerSettings, issuers: Vec<IssuerSettings>) -> Result<Self, StartError> {
        let callers = (!callers.is_empty()).then(|| Callers::new(callers)).transpose()?.map(Arc::new);
        let issuers = (!issuers.is_empty()).then(|| Issuers::new(issuers)).transpose()?;
        Ok(Self { callers, issuers })
    }

    /// TLS of the TCP listener, if it has any.
    pub fn tls(&self) -> Option<Arc<Tls>> {
        self.callers.as_ref().and_then(|callers| callers.tls()).map(Arc::clone)
    }

    /// Whether there is anything to keep.
    pub const fn has_work(&self) -> bool {
        self.callers.is_some() || self.issuers.is_some()
    }

    /// Keeps it until `stop` is true.
    ///
    /// # Errors
    /// The system gives no runtime.
    pub fn run(self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        runtime.block_on(async {
            let callers: OptionFuture<_> = self.callers.as_ref().map(|callers| callers.keep()).into();
            let issuers: OptionFuture<_> = self.issuers.as_ref().map(Issuers::keep).into();
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => {}
                // Without keys and certificates this ends at once.
                _ = async { tokio::join!(callers, issuers) } => {}
            }
        });
        // WHY: a look-up of a name may take long, and nobody waits for it any more.
        runtime.shutdown_background();
        Ok(())
    }
}
