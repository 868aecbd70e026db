#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn report(_: Report) {}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Report
    where
        for<'__any> Report: ::enact::Command,
    {
        type Output = <() as ::enact::IntoOutcome>::Output;
        type Entity = ();
    }
    struct __Handler;
    impl ::enact::Handler for __Handler {}
    const _: fn() = || {
        #[allow(unused_imports)]
        use ::enact::__private::assert::Otherwise as _;
        ::enact::__private::assert::of::<Report>().untargeted();
    };
    impl ::enact::CommandHandler for __Handler
    where
        for<'__any> Report: ::enact::Command,
    {
        type Command = Report;
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: Report,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                <Report as ::enact::HasOneHandler>::Output,
                ::enact::Failure,
            >,
        > + ::core::marker::Send {
            async move {
                <() as ::enact::IntoOutcome>::into_outcome(report(__message).await)
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::command_handler:: < __Handler > (::enact::source!())
    }
};
