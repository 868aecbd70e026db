#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn look(_: Look) -> Result<u32, Failure> {
    Ok(1)
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    impl ::enact::HasOneHandler for Look
    where
        for<'__any> Look: ::enact::Command,
    {
        type Output = <Result<u32, Failure> as ::enact::IntoOutcome>::Output;
        type Entity = ();
    }
    struct __Handler;
    impl ::enact::Handler for __Handler {}
    impl ::enact::CommandHandler for __Handler
    where
        for<'__any> Look: ::enact::Command,
    {
        type Command = Look;
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: Look,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<
                <Look as ::enact::HasOneHandler>::Output,
                ::enact::Failure,
            >,
        > + ::core::marker::Send {
            async move {
                <Result<
                    u32,
                    Failure,
                > as ::enact::IntoOutcome>::into_outcome(look(__message).await)
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::command_handler:: < __Handler > (::enact::source!())
    }
};
