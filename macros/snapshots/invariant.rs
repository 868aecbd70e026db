#[allow(clippy::trivially_copy_pass_by_ref)]
/// An account is never overdrawn.
fn not_overdrawn(account: &Account) -> bool {
    account.balance_cents >= 0
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    struct __Invariant;
    impl ::enact::Invariant for __Invariant {
        type Entity = Account;
        type When = ::enact::Always;
        const CODE: &'static str = "not_overdrawn";
        const MESSAGE: &'static str = "An account is never overdrawn.";
        fn check(
            __entity: &Account,
            __when: &::enact::Always,
        ) -> ::enact::invariant::Verdict {
            <bool as ::enact::invariant::IntoVerdict>::into_verdict(
                not_overdrawn(__entity),
            )
        }
    }
    ::enact::register! {
        ::enact::Registration::invariant:: < __Invariant > (::enact::source!())
    }
};
