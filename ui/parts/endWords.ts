/** The words of the server's search are those of the page. */

export { endText, plainText } from "../../lab/server/list/endWords.ts";
