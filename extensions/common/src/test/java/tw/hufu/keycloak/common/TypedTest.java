package tw.hufu.keycloak.common;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TypedTest {

  @ParameterizedTest
  @ValueSource(
      strings = {
        "123456",
        "123 456",
        " 123456\n",
        "123-456",
        "123\u2013456",
        "123\u2212456",
        "１２３４５６",
        "１２３　４５６",
        "123\u00a0456",
        "\u200b123456\ufeff"
      })
  void aCodeIsItsDigits(String typed) {
    assertEquals("123456", Typed.code(typed));
  }

  @ParameterizedTest
  @ValueSource(strings = {"wang-xm", "ｗａｎｇ－ｘｍ", " wang-xm ", "wang-xm\u200b", "　ｗａｎｇ-ｘｍ"})
  void aNameKeepsItsDash(String typed) {
    assertEquals("wang-xm", Typed.name(typed));
  }

  @Test
  void whatIsTooLongIsNotLookedAt() {
    String marks = "\u0301 ".repeat(75_000);
    assertEquals(marks, Typed.name(marks));
    assertNull(Typed.code(null));
  }
}
