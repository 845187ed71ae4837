package tw.hufu.keycloak.reset;

/** Offers the step to flows as hufu-reset-guard. */
public class ResetGuardFactory extends StepFactory {

  public ResetGuardFactory() {
    super(
        "hufu-reset-guard",
        "Hufu reset guard",
        "Sends no mail to whom is not activated or disabled; the page stays the same.",
        new ResetGuard());
  }
}
