//! How the words of requests and answers are numbered in protobuf and spelled in JSON.
//!
//! A word's number is its place among [`Spelling::MEMBERS`] plus one; zero is a field that is not set. Words that only
//! policies may use are no members.

use crate::model::decision::Decision;
use crate::model::set::Word;
use crate::model::{
    AuthenticationMethod, ClientApp, CredentialType, GrantControl, GuestType, IdentityKind, InsiderRiskLevel, Platform,
    ResourceKind, RiskLevel, SignInAudience, TransferMethod, Truth, UserAction,
};

/// A closed vocabulary as it crosses the wire.
pub trait Spelling: Copy + PartialEq + 'static {
    /// What requests and answers may say, in the order of the protobuf numbers, from 1.
    const MEMBERS: &'static [Self];

    /// The JSON spelling.
    fn text(self) -> &'static str;

    /// The protobuf number; 0 for a word that is not a member.
    fn number(self) -> i32 {
        Self::MEMBERS.iter().zip(1..).find(|(member, _)| **member == self).map_or(0, |(_, number)| number)
    }

    /// The member of a protobuf number.
    fn of_number(number: i32) -> Option<Self> {
        Self::MEMBERS.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
    }

    /// The number of the member that is spelled `text`, in any case.
    fn number_of(text: &str) -> Option<i32> {
        let is_spelled = |member: Self| {
            let spelling = member.text();
            // WHY: most differ in length, which is known without a call, and the one that is meant seldom differs in case.
            spelling.len() == text.len() && (spelling == text || spelling.eq_ignore_ascii_case(text))
        };
        Self::MEMBERS.iter().zip(1..).find(|(member, _)| is_spelled(**member)).map(|(_, number)| number)
    }
}

macro_rules! spelling {
    ($($name:ty => $members:expr;)+) => {
        $(impl Spelling for $name {
            const MEMBERS: &'static [Self] = $members;

            fn text(self) -> &'static str {
                self.as_str()
            }
        })+
    };
}

spelling! {
    IdentityKind => Self::ALL;
    SignInAudience => Self::ALL;
    GuestType => Self::ALL;
    ResourceKind => Self::ALL;
    UserAction => Self::ALL;
    RiskLevel => Self::ALL;
    InsiderRiskLevel => Self::ALL;
    TransferMethod => Self::ALL;
    CredentialType => Self::ALL;
    AuthenticationMethod => Self::ALL;
    ClientApp => &[
        Self::Browser,
        Self::MobileAppsAndDesktopClients,
        Self::ExchangeActiveSync,
        Self::EasSupported,
        Self::Other,
    ];
    Platform => &[Self::Android, Self::Ios, Self::Windows, Self::WindowsPhone, Self::MacOs, Self::Linux];
    GrantControl => &[
        Self::Mfa,
        Self::CompliantDevice,
        Self::DomainJoinedDevice,
        Self::ApprovedApplication,
        Self::CompliantApplication,
        Self::PasswordChange,
        Self::RiskRemediation,
        Self::VerifiedId,
    ];
    Decision => &[Self::Allow, Self::Block];
}

impl Spelling for Truth {
    const MEMBERS: &'static [Self] = &[Self::False, Self::Unknown, Self::True];

    fn text(self) -> &'static str {
        match self {
            Self::False => "false",
            Self::Unknown => "unknown",
            Self::True => "true",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::v1;
    use super::*;

    /// `names` are the protobuf names of numbers 0, 1, ... up to the first that is not defined.
    fn check<W: Spelling>(names: impl Fn(i32) -> Option<&'static str>) {
        let prefix = names(0).unwrap().strip_suffix("UNSPECIFIED").unwrap();
        for (number, member) in (1..).zip(W::MEMBERS) {
            let name = names(number).unwrap().strip_prefix(prefix).unwrap();
            assert_eq!(name.replace('_', "").to_lowercase(), member.text().to_lowercase());
            assert_eq!(member.number(), number);
            assert!(W::of_number(number) == Some(*member));
            assert!(W::number_of(&member.text().to_uppercase()) == Some(member.number()));
        }
        let past = i32::try_from(W::MEMBERS.len()).unwrap() + 1;
        assert_eq!(names(past), None);
        for unknown in [0, -1, past, i32::MAX, i32::MIN] {
            assert!(W::of_number(unknown).is_none());
        }
    }

    #[test]
    fn numbers_of_the_proto_file_are_the_words_of_the_model() {
        macro_rules! names {
            ($name:ident) => {
                |number| v1::$name::try_from(number).ok().map(|value| value.as_str_name())
            };
        }
        check::<IdentityKind>(names!(IdentityType));
        check::<SignInAudience>(names!(SignInAudience));
        check::<GuestType>(names!(GuestType));
        check::<ResourceKind>(names!(ResourceType));
        check::<UserAction>(names!(UserAction));
        check::<RiskLevel>(names!(RiskLevel));
        check::<InsiderRiskLevel>(names!(InsiderRiskLevel));
        check::<ClientApp>(names!(ClientApp));
        check::<Platform>(names!(Platform));
        check::<TransferMethod>(names!(AuthenticationFlow));
        check::<CredentialType>(names!(CredentialType));
        check::<GrantControl>(names!(GrantControl));
        check::<AuthenticationMethod>(names!(AuthenticationMethod));
        check::<Decision>(names!(Decision));
        check::<Truth>(names!(Truth));
    }
}
