//! The server with a bundle that can be swapped.

use doorward::reload::View;

use crate::bundle::{Files, Place, files};
use crate::support::server::Server;

/// A running server and the place that it reads; everything ends when it is dropped.
pub struct Live {
    pub server: Server,
    place: Place,
}

impl Live {
    /// Starts with bundle 1 at a place in a new folder.
    pub fn start(place: impl FnOnce(std::path::PathBuf) -> Place) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path().to_owned());
        place.put("1", &files(1));
        Self { server: Server::at(folder, &place.path(), |_| {}), place }
    }

    /// Puts bundle `number` in force.
    pub fn put(&self, number: u64) {
        self.place.put(&number.to_string(), &files(number));
    }

    /// Puts other files in the place of the bundle.
    pub fn put_files(&self, name: &str, files: &Files) {
        self.place.put(name, files);
    }

    /// Waits while clients go on.
    pub fn wait_until(&self, is_wanted: impl Fn(&View) -> bool) {
        tokio::task::block_in_place(|| self.server.wait_until(is_wanted));
    }
}
