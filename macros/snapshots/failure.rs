#[allow(deprecated, unused_qualifications)]
const _: () = {
    #[automatically_derived]
    impl ::enact::Classify for WithdrawError {
        fn classify(&self) -> ::enact::Classification {
            match *self {
                Self::Suspicious { .. } => {
                    ::enact::Classification::permanent("suspicious")
                }
                Self::Unreachable { .. } => {
                    ::enact::Classification::transient("vendor_down")
                }
                Self::Vendor { 0: ref __error } => {
                    <VendorError as ::enact::Classify>::classify(__error)
                }
            }
        }
    }
    ::enact::register! {
        ::enact::ErrorRegistration::of:: < WithdrawError > ()
    }
};
