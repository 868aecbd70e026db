#[allow(clippy::unused_async, clippy::needless_pass_by_value)]
async fn notify(
    event: MoneyWithdrawn,
    mailer: Arc<dyn Mailer>,
) -> Result<(), MailError> {
    mailer.send(&event).await
}
#[allow(deprecated, unused_qualifications)]
const _: () = {
    struct __Handler;
    impl ::enact::Handler for __Handler {
        fn settings() -> ::enact::HandlerSettings {
            ::enact::HandlerSettings::new().queue("mail")
        }
        fn requires(__needs: &mut ::enact::context::Requirements) {
            <Arc<dyn Mailer> as ::enact::FromContext>::requires(__needs);
        }
    }
    impl ::enact::EventHandler for __Handler {
        const NAME: &'static str = "mail";
        type Event = MoneyWithdrawn;
        #[allow(clippy::manual_async_fn)]
        fn handle(
            __message: MoneyWithdrawn,
            __context: &::enact::ExecutionContext,
        ) -> impl ::core::future::Future<
            Output = ::core::result::Result<(), ::enact::Failure>,
        > + ::core::marker::Send {
            async move {
                <Result<
                    (),
                    MailError,
                > as ::enact::IntoOutcome>::into_outcome(
                    notify(
                            __message,
                            <Arc<
                                dyn Mailer,
                            > as ::enact::FromContext>::from_context(__context)?,
                        )
                        .await,
                )
            }
        }
    }
    ::enact::register! {
        ::enact::Registration::event_handler:: < __Handler > (::enact::source!())
    }
};
