/**
 * Lets xterm work under a policy without `unsafe-inline`. It writes style elements without a nonce and, in its DOM renderer, style attributes as text;
 * the policy drops both. Here its elements get the page's nonce, and a style attribute goes through the object model, which the policy allows.
 */
export function allowOwnStyles(page: Document, nonce: string): void {
  const create = page.createElement.bind(page)
  page.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = create(name, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    if (element instanceof HTMLSpanElement) element.setAttribute = setThroughModel
    return element
  }
}

function setThroughModel(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value
  else Element.prototype.setAttribute.call(this, name, value)
}

/** The nonce of this page, which whoever served it wrote into its head. */
export function pageNonce(page: Document): string {
  return page.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? ''
}
