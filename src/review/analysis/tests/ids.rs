//! Ids that generated bundles and requests both name.

pub const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
pub const DIRECTORY: &str = "00000002-0000-0000-c000-000000000000";
pub const EXCHANGE: &str = "fb60f99c-7a34-4190-8149-302f77469936";
pub const INTUNE: &str = "0000000a-0000-0000-c000-000000000000";
pub const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
pub const BLUEPRINT: &str = "0b000000-0000-4000-8000-000000000001";
