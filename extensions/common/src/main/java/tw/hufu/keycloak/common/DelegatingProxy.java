package tw.hufu.keycloak.common;

import jakarta.ws.rs.core.MultivaluedMap;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.keycloak.http.HttpRequest;

/**
 * Stands before an object of Keycloak's and hands on all calls but one: its steps let nobody change
 * the form or the flow that they read.
 */
public final class DelegatingProxy {

  private DelegatingProxy() {}

  /** The same context (its type has getHttpRequest), but its form was tidied before it is read. */
  public static <T> T ofForm(
      Class<T> type,
      T context,
      HttpRequest request,
      Consumer<MultivaluedMap<String, String>> tidy) {
    HttpRequest tidied =
        ofMethod(
            HttpRequest.class,
            request,
            "getDecodedFormParameters",
            () -> {
              MultivaluedMap<String, String> form = request.getDecodedFormParameters();
              tidy.accept(form);
              return form;
            });
    return ofMethod(type, context, "getHttpRequest", () -> tidied);
  }

  /** The same object (its type is an interface), of which one method answers otherwise. */
  public static <T> T ofMethod(Class<T> type, T object, String method, Supplier<Object> answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, called, arguments) -> {
              if (called.getName().equals(method)) {
                return answer.get();
              }
              try {
                return called.invoke(object, arguments);
              } catch (InvocationTargetException failed) {
                throw failed.getCause();
              }
            }));
  }
}
