package tw.hufu.keycloak.common;

import java.text.Normalizer;
import java.util.function.IntPredicate;

/** What people type or paste, as it was meant. Length comes first: nothing longer is looked at. */
public final class Typed {

  private static final int LONGEST = 255;

  private Typed() {}

  /** An account name: full width is narrow, blanks and invisible marks are gone. */
  public static String name(String typed) {
    return without(typed, c -> Character.isWhitespace(c) || isInvisible(c));
  }

  /** A code as an app shows it: in groups, full width, with dashes. */
  public static String code(String typed) {
    return without(typed, c -> Character.isWhitespace(c) || isInvisible(c) || isDash(c));
  }

  private static String without(String typed, IntPredicate unwanted) {
    if (typed == null || typed.length() > LONGEST) {
      return typed;
    }
    String narrow = Normalizer.normalize(typed, Normalizer.Form.NFKC);
    return narrow
        .codePoints()
        .filter(unwanted.negate())
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private static boolean isInvisible(int character) {
    int type = Character.getType(character);
    return type == Character.FORMAT || type == Character.CONTROL;
  }

  private static boolean isDash(int character) {
    return Character.getType(character) == Character.DASH_PUNCTUATION || character == '\u2212';
  }
}
