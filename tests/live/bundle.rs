//! Bundles that disagree about every request that is asked, and the ways to put one in the place of another.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use doorward::serve::wire::v1;

/// Files by name.
pub type Files = Vec<(&'static str, String)>;

/// A workload of the tenant that no bundle lists.
const WORKLOAD: &str = "cccccccc-0000-4000-8000-000000000001";
/// Addresses inside and outside of the office; never one on which two bundles agree.
pub const ADDRESSES: [(&str, bool); 6] = [
    ("198.51.100.0", true),
    ("203.0.113.9", false),
    ("2001:db8:10::1", true),
    ("198.51.101.0", false),
    ("198.51.100.255", true),
    ("2001:db8:11::1", false),
];

/// Bundle `number`, which is its revision. Odd ones block workloads outside of the office, even ones those inside.
///
/// Its policies bear the number, even bundles have one policy more, and its own test holds for it alone.
pub fn files(number: u64) -> Files {
    let is_odd = !number.is_multiple_of(2);
    let locations = if is_odd { "excludeLocations: [Office]" } else { "" };
    let include = if is_odd { "All" } else { "Office" };
    let policy = format!(
        "id: {}\ndisplayName: Block {number}\nstate: enabled\nconditions:\n  \
         clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\n  \
         locations: {{ includeLocations: [{include}], {locations} }}\ngrantControls: {{ builtInControls: [block] }}\n",
        blocking(number)
    );
    let report_only = format!(
        "id: {}\ndisplayName: Report {number}\nstate: enabledForReportingButNotEnforced\nconditions:\n  \
         clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\n\
         grantControls: {{ builtInControls: [block] }}\n",
        reporting(number)
    );
    let office = "\"@odata.type\": \"#microsoft.graph.ipNamedLocation\"\ndisplayName: Office\nisTrusted: true\n\
                  ipRanges: [198.51.100.0/24, \"2001:db8:10::/48\"]\n";
    let mut files = vec![
        ("bundle.yaml", format!("name: live\nrevision: \"{number}\"\n")),
        ("office.yaml", office.to_owned()),
        ("policy.yaml", policy),
        ("tests/office.yaml", case(if is_odd { "allow" } else { "block" })),
    ];
    if !is_odd {
        files.push(("all.yaml", report_only));
    }
    files
}

/// Bundle `number`, even, with a statement that odd ones only keep.
pub fn refuted(number: u64) -> Files {
    let statement = "displayName: Nobody outside of the office\nstate: enabled\nconditions:\n  \
         clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }\n  \
         locations: { includeLocations: [All], excludeLocations: [Office] }\n\
         grantControls: { builtInControls: [block] }\n";
    let mut files = files(number);
    files.push(("statements/office.yaml", statement.to_owned()));
    files
}

/// A test of a bundle: inside of the office the answer is `decision`.
fn case(decision: &str) -> String {
    format!(
        "cases:\n  - name: a workload inside\n    request:\n      \
         identity: {{ type: servicePrincipal, id: {WORKLOAD} }}\n      network: {{ ipAddress: 198.51.100.7 }}\n    \
         expect: {{ decision: {decision} }}\n"
    )
}

/// Bundle `number` with a policy that names a location by a wrong name, on line 6.
pub fn misspelt(number: u64) -> Files {
    let mut files = files(number);
    let (_, policy) = files.iter_mut().find(|(name, _)| *name == "policy.yaml").unwrap();
    *policy = policy.replace("[Office]", "[Ofice]");
    files
}

/// Bundle `number` with a test that another bundle would pass.
pub fn failing(number: u64) -> Files {
    let mut files = files(number);
    let (_, test) = files.iter_mut().find(|(name, _)| name.starts_with("tests/")).unwrap();
    *test = case(if number.is_multiple_of(2) { "allow" } else { "block" });
    files
}

fn blocking(number: u64) -> String {
    format!("aaaaaaaa-0000-4000-8000-{number:012}")
}

fn reporting(number: u64) -> String {
    format!("bbbbbbbb-0000-4000-8000-{number:012}")
}

/// The request from `address`.
pub fn request(address: &str) -> v1::DecideRequest {
    let identity = v1::Identity {
        r#type: v1::IdentityType::ServicePrincipal.into(),
        id: Some(WORKLOAD.to_owned()),
        ..v1::Identity::default()
    };
    let network = v1::Network { ip_address: Some(address.to_owned()), ..v1::Network::default() };
    v1::DecideRequest { identity: Some(identity), network: Some(network), ..v1::DecideRequest::default() }
}

/// The revision that `answer` names. Panics unless the answer is the one which that revision gives at `address`.
pub fn revision_of(answer: &v1::DecideResponse, address: &str) -> u64 {
    let bundle = answer.bundle.as_ref().expect("an answer names its bundle");
    let number: u64 = bundle.revision.parse().expect("revisions are numbers");
    let (_, is_inside) = ADDRESSES.iter().find(|(known, _)| *known == address).unwrap();
    let is_odd = !number.is_multiple_of(2);
    let ids = |policies: &[v1::PolicyRef]| -> Vec<String> { policies.iter().map(|policy| policy.id.clone()).collect() };
    if is_odd == *is_inside {
        assert_eq!(answer.decision(), v1::Decision::Allow, "{answer:?} for {address}");
        assert!(answer.policies.is_empty(), "{answer:?} for {address}");
    } else {
        assert_eq!(answer.decision(), v1::Decision::Block, "{answer:?} for {address}");
        assert_eq!(ids(&answer.policies), [blocking(number)], "{answer:?} for {address}");
    }
    let report_only = if is_odd { Vec::new() } else { vec![reporting(number)] };
    assert_eq!(ids(&answer.report_only), report_only, "{answer:?} for {address}");
    number
}

/// Where a server finds its bundle, and how another one gets there.
pub enum Place {
    /// `current` is a link to a folder of `releases`; a new link is renamed over it. Folders stay.
    Link(PathBuf),
    /// A volume as kubelet keeps it (Kubernetes source, `AtomicWriter.Write`, read August 2026): files are links
    /// through `..data`, which is a link to a hidden folder; a new link is renamed over it and the old folder removed.
    Volume(PathBuf),
}

impl Place {
    /// What the server is given.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Link(root) => root.join("current"),
            Self::Volume(root) => root.join("volume"),
        }
    }

    /// Puts a bundle called `name` in force. One that is there already is not written again.
    pub fn put(&self, name: &str, files: &Files) {
        match self {
            Self::Link(root) => {
                let release = Path::new("releases").join(name);
                if !root.join(&release).exists() {
                    write(&root.join(&release), files);
                }
                symlink(release, root.join("next")).unwrap();
                fs::rename(root.join("next"), self.path()).unwrap();
            }
            Self::Volume(_) => update_volume(&self.path(), &format!("..{name}"), files),
        }
    }
}

fn write(folder: &Path, files: &Files) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn update_volume(volume: &Path, stamp: &str, files: &Files) {
    let old = fs::read_link(volume.join("..data")).ok();
    write(&volume.join(stamp), files);
    symlink(stamp, volume.join("..data_tmp")).unwrap();
    fs::rename(volume.join("..data_tmp"), volume.join("..data")).unwrap();
    let top = |name: &'static str| name.split('/').next().unwrap();
    for name in files.iter().map(|(name, _)| top(name)) {
        if fs::symlink_metadata(volume.join(name)).is_err() {
            symlink(Path::new("..data").join(name), volume.join(name)).unwrap();
        }
    }
    for entry in fs::read_dir(volume).unwrap() {
        let name = entry.unwrap().file_name();
        let is_wanted = files.iter().any(|(file, _)| Some(top(file)) == name.to_str());
        if !is_wanted && !name.to_string_lossy().starts_with("..") {
            fs::remove_file(volume.join(name)).unwrap();
        }
    }
    if let Some(old) = old {
        fs::remove_dir_all(volume.join(old)).unwrap();
    }
}
