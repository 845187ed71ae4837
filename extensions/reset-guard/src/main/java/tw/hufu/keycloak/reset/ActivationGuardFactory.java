package tw.hufu.keycloak.reset;

/** Offers the step to flows as hufu-activation-guard. */
public class ActivationGuardFactory extends StepFactory {

  public ActivationGuardFactory() {
    super(
        "hufu-activation-guard",
        "Hufu activation guard",
        "Refuses who has a password and no OTP: he is not activated.",
        new ActivationGuard());
  }
}
